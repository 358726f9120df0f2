"""The encoder families: two rows, the second padded at the right, so that masks and segments show."""

from dataclasses import dataclass

import torch
from transformer_lens import HookedEncoder
from transformer_lens.pretrained.weight_conversions import convert_bert_weights
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining

import hooked

VOCAB, PAD = 53, 3
SIZE = dict(vocab_size=VOCAB, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=20,
            max_position_embeddings=24, type_vocab_size=2, layer_norm_eps=2e-3, pad_token_id=PAD)
ALBERT = SIZE | dict(embedding_size=10, num_hidden_layers=4)


@dataclass(frozen=True)
class Encoder:
    """`parts` are the ends of the names of the modules that give the queries, keys, values, attention and MLP."""

    model_type: str
    settings: dict
    auto: type
    parts: tuple[str, ...]
    has_segments: bool = True
    tl: bool = False


BERT = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
        "intermediate.dense", "output.dense")
DISTIL = ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "ffn.lin1", "ffn.lin2")
SHARED = ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output")

ENCODERS = {
    "bert": Encoder("bert", SIZE, AutoModelForPreTraining, BERT, tl=True),
    "bert-masked-lm": Encoder("bert", SIZE | dict(hidden_act="gelu_new"), AutoModelForMaskedLM, BERT),
    "bert-model": Encoder("bert", SIZE, AutoModel, BERT),
    "roberta": Encoder("roberta", SIZE | dict(type_vocab_size=1), AutoModelForMaskedLM, BERT, has_segments=False),
    "distilbert": Encoder("distilbert", dict(vocab_size=VOCAB, dim=24, hidden_dim=20, n_layers=2, n_heads=4,
                                             max_position_embeddings=24, pad_token_id=PAD),
                          AutoModelForMaskedLM, DISTIL, has_segments=False),
    "albert": Encoder("albert", ALBERT | dict(num_hidden_groups=2), AutoModelForMaskedLM, SHARED),
    "albert-pretraining": Encoder("albert", ALBERT | dict(inner_group_num=2, num_hidden_layers=2, hidden_act="gelu"),
                                  AutoModelForPreTraining, SHARED),
}


def build(case):
    config = AutoConfig.for_model(case.model_type, **case.settings, bos_token_id=0, eos_token_id=1)
    return case.auto.from_config(config, attn_implementation="eager").eval()


def inputs(case, seed):
    """Two rows of 9 tokens; the second has 6, and the second sentence of each begins in its middle."""
    tokens = torch.randint(4, VOCAB, (2, 9), generator=torch.Generator().manual_seed(seed))
    mask, segments = torch.ones_like(tokens), torch.zeros_like(tokens)
    tokens[1, 6:], mask[1, 6:], segments[0, 5:], segments[1, 3:6] = PAD, 0, 1, 1
    given = dict(input_ids=tokens, attention_mask=mask)
    return given | (dict(token_type_ids=segments) if case.has_segments else {})


@torch.no_grad()
def truth(hf, case, given):
    """Everything with its batch axis: what the model says of itself, and its parts under TransformerLens's names."""
    calls, handles = {part: [] for part in case.parts}, []
    for name, module in hf.named_modules():
        part = max((part for part in case.parts if name.endswith("." + part)), key=len, default=None)
        if part:
            keep = lambda _, args, output, part=part: calls[part].append((args[0], output))
            handles.append(module.register_forward_hook(keep))
    out = hf(**given, output_hidden_states=True, output_attentions=True)
    for handle in handles:
        handle.remove()
    found = {"tokens": given["input_ids"]} | {key: given[key] for key in given if key != "input_ids"}
    for i, state in enumerate(out.hidden_states):
        found[f"hf.hidden_states.{i}"] = state
    for l, pattern in enumerate(out.attentions):
        found[f"hf.attentions.{l}"] = pattern
        found |= {f"blocks.{l}.{name}": value for name, value in block(hf, case, calls, l, pattern).items()}
    return found | heads(hf, given, out)


def block(hf, case, calls, l, pattern):
    """The hooks of one layer. A shared layer is called once for each layer it stands for."""
    q, k, v, o, pre, post = (calls[part][l] for part in case.parts)
    split = lambda x: x.view(*x.shape[:2], hf.config.num_attention_heads, -1)
    z = split(o[0])
    torch.testing.assert_close(torch.einsum("bhqk,bkhd->bqhd", pattern, split(v[1])), z, atol=1e-5, rtol=0)
    return {"attn.hook_q": split(q[1]), "attn.hook_k": split(k[1]), "attn.hook_v": split(v[1]), "attn.hook_z": z,
            "hook_attn_out": o[1], "mlp.hook_pre": pre[1], "mlp.hook_post": post[0], "hook_mlp_out": post[1]}


def heads(hf, given, out):
    logits = next((out[key] for key in ("logits", "prediction_logits") if key in out), None)
    second = next((out[key] for key in ("seq_relationship_logits", "sop_logits") if key in out), None)
    pooled = getattr(hf.base_model(**given), "pooler_output", None)
    named = {"logits": logits, "hf.seq_relationship_logits": second, "hf.pooler_output": pooled}
    return {name: value for name, value in named.items() if value is not None}


@torch.no_grad()
def transformer_lens(hf, given):
    """Every hook of BERT's TransformerLens form on the first row, which has no padding, without the batch axis."""
    c = hf.config
    cfg = hooked.config(
        n_layers=c.num_hidden_layers, n_heads=c.num_attention_heads, d_model=c.hidden_size,
        d_head=c.hidden_size // c.num_attention_heads, d_mlp=c.intermediate_size, n_ctx=c.max_position_embeddings,
        eps=c.layer_norm_eps, d_vocab=c.vocab_size, act_fn=c.hidden_act, attention_dir="bidirectional")
    model = HookedEncoder(cfg, move_to_device=False).eval()
    missing, unexpected = model.load_state_dict(convert_bert_weights(hf, cfg), strict=False)
    assert not unexpected and not {name for name, _ in model.named_parameters()} & set(missing), (unexpected, missing)
    tokens, segments = given["input_ids"][:1], given["token_type_ids"][:1]
    cache = {}
    for gate in (None, "use_attn_result", "use_split_qkv_input", "use_hook_mlp_in"):
        if gate:
            setattr(model.cfg, gate, True)
        logits, more = model.run_with_cache(tokens, token_type_ids=segments, return_cache_object=False)
        if gate:
            setattr(model.cfg, gate, False)
        assert gate is None or more.keys() - cache.keys(), f"{gate} opened nothing"
        cache = more | cache
    keep = lambda value, hook: cache.update({hook.name: value})
    with model.hooks(fwd_hooks=[(lambda name: name.startswith(("pooler", "nsp_head")), keep)]):
        model.nsp_head(model.pooler(model.encoder_output(tokens, segments)))
    cache |= {"logits": logits, "tokens": tokens, "token_type_ids": segments}
    return {name: value[0] for name, value in cache.items()}


def agree(theirs, found):
    """Asserts that both say the same of the first row; gives the number of tensors compared and the distance."""
    layers = range(sum(name.startswith("hf.attentions") for name in found))
    pairs = {"logits": "logits", "pooler.hook_pooler_out": "hf.pooler_output",
             "nsp_head.hook_nsp_out": "hf.seq_relationship_logits", "hook_full_embed": "hf.hidden_states.0"}
    for l in layers:
        pairs |= {f"blocks.{l}.attn.hook_pattern": f"hf.attentions.{l}",
                  f"blocks.{l}.hook_normalized_resid_post": f"hf.hidden_states.{l + 1}"}
    pairs |= {name: name for name in found if name.startswith("blocks.")}
    worst = max((theirs[ours] - found[hf][0]).abs().max().item() for ours, hf in pairs.items())
    assert worst < 1e-4, worst
    return len(pairs), worst
