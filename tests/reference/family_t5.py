"""T5: what encoder and decoder must compute, under TransformerLens's names for them.

TransformerLens's own decoder sees the future and counts distance in both directions, so only its encoder's hooks are
kept, and those only for the first T5: it has no gated MLP. The rest is recorded from the Hugging Face modules.
"""

from contextlib import ExitStack
from unittest import mock

import torch
from torch import nn
from transformer_lens import HookedEncoderDecoder
from transformer_lens.pretrained.weight_conversions import convert_t5_weights
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5 import modeling_t5

import hooked
from family_hooks import first

SIZE = dict(vocab_size=53, d_model=16, d_kv=6, d_ff=20, num_layers=2, num_heads=4, layer_norm_epsilon=2e-3,
            relative_attention_num_buckets=8, relative_attention_max_distance=12, pad_token_id=0, eos_token_id=1,
            decoder_start_token_id=0)
SELF, CROSS = "SelfAttention", "EncDecAttention"
CASES = {
    "t5": SIZE,
    "t5-v1_1": SIZE | dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False, num_layers=1,
                           num_decoder_layers=2),
}


def build(settings):
    hf = T5ForConditionalGeneration(T5Config(**settings))
    hf.set_attn_implementation("eager")
    if not hf.config.scale_decoder_outputs:
        hf.lm_head.weight = nn.Parameter(hf.lm_head.weight.detach().clone())  # T5 1.1 has a head of its own
    return hf.eval()


def inputs(seed):
    """More positions than the buckets tell apart: 14 on either side, the decoder's beginning with its start token."""
    generator = torch.Generator().manual_seed(seed)
    source, target = (torch.randint(2, SIZE["vocab_size"], (1, 14), generator=generator) for _ in range(2))
    target[0, 0] = SIZE["decoder_start_token_id"]
    return dict(input_ids=source, decoder_input_ids=target)


@torch.no_grad()
def record(hf, given):
    """Everything without the batch axis."""
    seen, attended = {}, []
    plain = modeling_t5.eager_attention_forward

    def spy(module, query, key, value, mask, *args, **kwargs):
        scores = query @ key.transpose(-1, -2) + kwargs["position_bias"]
        attended.append((scores if mask is None else scores.masked_fill(mask < -1e30, -torch.inf))[0])
        return plain(module, query, key, value, mask, *args, **kwargs)

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(modeling_t5, "eager_attention_forward", spy))
        for name, module in hf.named_modules():
            def keep(_, args, kwargs, output, name=name):
                seen[name] = first(args[0] if args else kwargs.get("hidden_states")), first(output)
            stack.callback(module.register_forward_hook(keep, with_kwargs=True).remove)
        out = hf(**given, output_hidden_states=True, output_attentions=True)
    found = {name: ids[0] for name, ids in given.items()} | {"logits": out.logits[0]}
    for name in ("encoder_hidden_states", "decoder_hidden_states", "encoder_attentions", "decoder_attentions",
                 "cross_attentions"):
        found |= {f"hf.{name}.{i}": value[0] for i, value in enumerate(out[name])}
    scores = iter(attended)
    for side, stack in (("encoder", hf.encoder), ("decoder", hf.decoder)):
        for l in range(len(stack.block)):
            hooks = block(hf, f"{side}.block.{l}", seen, side == "decoder", scores)
            found |= {f"{side}.{l}.{name}": value for name, value in hooks.items()}
        found |= norm(f"{side}_final_ln", stack.final_layer_norm, seen[f"{side}.final_layer_norm"])
    check(found, hf)
    return found


def block(hf, at, seen, is_decoder, scores):
    """One layer's hooks, their names relative to it."""
    resid_pre, resid_post = seen[at]
    hooks = {"hook_resid_pre": resid_pre, "hook_resid_post": resid_post}
    hooks |= sublayer(hf, f"{at}.layer.0", SELF, "attn", "ln1", seen, next(scores))
    hooks["hook_attn_out"] = seen[f"{at}.layer.0.{SELF}"][1]
    hooks["hook_resid_mid"] = resid_mid = resid_pre + hooks["hook_attn_out"]
    if is_decoder:
        hooks |= sublayer(hf, f"{at}.layer.1", CROSS, "cross_attn", "ln2", seen, next(scores))
        hooks["hook_cross_attn_out"] = seen[f"{at}.layer.1.{CROSS}"][1]
        hooks["hook_resid_mid_cross"] = resid_mid = resid_mid + hooks["hook_cross_attn_out"]
    mlp, ln = (f"{at}.layer.2", "ln3") if is_decoder else (f"{at}.layer.1", "ln2")
    hooks |= norm(ln, hf.get_submodule(f"{mlp}.layer_norm"), seen[f"{mlp}.layer_norm"])
    inside = lambda name: seen.get(f"{mlp}.DenseReluDense.{name}", (None, None))
    hooks["mlp.hook_pre"] = inside("wi")[1] if inside("wi")[1] is not None else inside("wi_0")[1]
    if inside("wi_1")[1] is not None:
        hooks["mlp.hook_pre_linear"] = inside("wi_1")[1]
    hooks["mlp.hook_post"], hooks["hook_mlp_out"] = inside("wo")
    torch.testing.assert_close(resid_mid + hooks["hook_mlp_out"], resid_post, atol=1e-4, rtol=0)
    return hooks


def sublayer(hf, at, theirs, ours, ln, seen, scores):
    """The hooks of one attention and of the norm before it."""
    attn = hf.get_submodule(f"{at}.{theirs}")
    heads = lambda x: x.view(x.shape[0], attn.n_heads, -1)
    q, k, v = (heads(seen[f"{at}.{theirs}.{name}"][1]) for name in "qkv")
    z = heads(seen[f"{at}.{theirs}.o"][0])
    w_o = attn.o.weight.T.reshape(attn.n_heads, -1, attn.d_model)
    pattern = scores.softmax(-1)
    torch.testing.assert_close(torch.einsum("hqk,khd->qhd", pattern, v), z, atol=1e-4, rtol=0)
    return norm(ln, hf.get_submodule(f"{at}.layer_norm"), seen[f"{at}.layer_norm"]) | {
        f"{ours}.hook_q": q, f"{ours}.hook_k": k, f"{ours}.hook_v": v, f"{ours}.hook_attn_scores": scores,
        f"{ours}.hook_pattern": pattern, f"{ours}.hook_z": z,
        f"{ours}.hook_result": torch.einsum("phd,hdm->phm", z, w_o)}


def norm(name, module, through):
    x, y = through
    scale = (x.pow(2).mean(-1, keepdim=True) + module.variance_epsilon).sqrt()
    torch.testing.assert_close(x / scale * module.weight, y, atol=1e-4, rtol=0)
    return {f"{name}.hook_scale": scale, f"{name}.hook_normalized": x / scale}


def check(found, hf):
    """The patterns found are the ones the model reports."""
    for theirs, ours in (("encoder_attentions", "encoder.{}.attn"), ("decoder_attentions", "decoder.{}.attn"),
                         ("cross_attentions", "decoder.{}.cross_attn")):
        for l in range(sum(name.startswith(f"hf.{theirs}.") for name in found)):
            torch.testing.assert_close(found[ours.format(l) + ".hook_pattern"], found[f"hf.{theirs}.{l}"],
                                       atol=1e-5, rtol=0)


@torch.no_grad()
def transformer_lens(hf, given):
    """The hooks of TransformerLens's encoder, and how far its decoder's logits are from the truth."""
    c = hf.config
    cfg = hooked.config(
        n_layers=c.num_layers, n_heads=c.num_heads, d_model=c.d_model, d_head=c.d_kv, d_mlp=c.d_ff, n_ctx=64,
        eps=c.layer_norm_epsilon, d_vocab=c.vocab_size, act_fn=c.feed_forward_proj, use_attn_scale=False,
        positional_embedding_type="relative_positional_bias", attention_dir="bidirectional", tie_word_embeddings=True,
        relative_attention_max_distance=c.relative_attention_max_distance,
        relative_attention_num_buckets=c.relative_attention_num_buckets)
    model = HookedEncoderDecoder(cfg, move_to_device=False).eval()
    missing, unexpected = model.load_state_dict(convert_t5_weights(hf, cfg), strict=False)
    assert not unexpected and all(".b_" in name or "mask" in name or "IGNORE" in name for name in missing), missing
    cache = {}
    for gate in (None, "use_attn_result", "use_hook_mlp_in"):  # its cross attention fails with inputs per head
        if gate:
            setattr(model.cfg, gate, True)
        logits, more = model.run_with_cache(given["input_ids"], given["decoder_input_ids"], return_cache_object=False)
        if gate:
            setattr(model.cfg, gate, False)
        cache = more | cache
    sites = {name: value[0] for name, value in cache.items() if name.startswith(("encoder", "hook_embed"))}
    return sites, logits[0]
