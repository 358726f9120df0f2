"""Writes the tiny random checkpoints beside this file, and what every hook of them must hold.

    python make_tiny.py [NAME ...]

Each folder is a checkpoint as `save_pretrained` writes it. README.md says what else lies in it.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformer_lens import HookedTransformer
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

import hooked
import llama_hooks

HERE = Path(__file__).parent
VOCAB, ANSWER, WRONG = 101, 7, 42
SMALL = dict(vocab_size=VOCAB, bos_token_id=0, eos_token_id=0, attn_implementation="eager")
GPT2 = SMALL | dict(n_layer=2, n_head=4, n_embd=32, n_positions=48)
LLAMA = SMALL | dict(num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, hidden_size=32,
                     intermediate_size=48, max_position_embeddings=64)
LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 128}


def theta(value):
    return {"rope_type": "default", "rope_theta": value}


# name -> (config, has gradients). Every case differs from its neighbours in more than one number a loader may forget.
CASES = {
    "gpt2-tiny": (GPT2Config(**GPT2), True),
    "gpt2-untied": (GPT2Config(**GPT2, n_inner=48, activation_function="gelu", layer_norm_epsilon=1e-3,
                               tie_word_embeddings=False), False),
    "llama-gqa-tied": (LlamaConfig(**LLAMA, rope_parameters=theta(500.0), tie_word_embeddings=True), True),
    "llama-gqa-untied": (LlamaConfig(**LLAMA | dict(num_hidden_layers=3), head_dim=12, rms_norm_eps=1e-3,
                                     rope_parameters=theta(100000.0)), False),
    "llama-mha": (LlamaConfig(**LLAMA | dict(num_key_value_heads=4), attention_bias=True,
                              rope_parameters=theta(10000.0)), False),
    "llama-mlp-bias": (LlamaConfig(**LLAMA, attention_bias=True, mlp_bias=True,
                                   rope_parameters=theta(10000.0)), False),
    "llama-rope-linear": (LlamaConfig(**LLAMA, rope_parameters={"rope_type": "linear", "rope_theta": 10000.0,
                                                                "factor": 2.0}), False),
    "llama-rope-llama3": (LlamaConfig(**LLAMA | dict(max_position_embeddings=1024), rope_parameters=LLAMA3), False),
}


NATIVE_SMALL = dict(n_layers=2, n_heads=4, d_model=32, d_head=8, n_ctx=48, d_vocab=VOCAB, eps=1e-5, act_fn=None,
                    attn_only=True, normalization_type="LN", positional_embedding_type="standard")
NATIVE = {
    "attn-only-tiny": NATIVE_SMALL,
    "solu-tiny": NATIVE_SMALL | dict(attn_only=False, act_fn="solu_ln", d_mlp=24, n_ctx=20, eps=1e-3),
    "shortformer-tiny": NATIVE_SMALL | dict(attn_only=False, act_fn="gelu", d_mlp=24, n_ctx=20,
                                            positional_embedding_type="shortformer"),
}


def main(names):
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for seed, (name, (config, with_gradients)) in enumerate(CASES.items()):
        if not names or name in names:
            hugging_face_case(name, config, with_gradients, seed)
    for seed, (name, fields) in enumerate(NATIVE.items(), start=len(CASES)):
        if not names or name in names:
            native_case(name, fields, seed)


def hugging_face_case(name, config, with_gradients, seed):
    folder = HERE / name
    model_class = GPT2LMHeadModel if config.model_type == "gpt2" else LlamaForCausalLM
    hf = model_class(config).eval()
    randomise(hf, seed)
    hf.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    older = as_transformers_4(json.loads((folder / "config.json").read_text()))
    (folder / "config.v4.json").write_text(json.dumps(older, indent=2) + "\n")

    tl = as_transformer_lens(hf)
    for file, tokens in prompts(seed):
        sites = hooked.record(tl, tokens) if tl else llama_hooks.record(hf, tokens)
        agreement = compare(hf, tokens, sites) if tl else ["from Hugging Face alone"]
        print(f"{name:18} {len(tokens):2} tokens {len(sites):3} tensors", *agreement)
        save(sites, folder / file)
    if with_gradients:
        tokens = prompts(seed)[0][1]
        gradients = hooked.gradients(tl, tokens, ANSWER, WRONG)
        print(f"{name:18} gradients at {len(gradients) - 3} sites", *compare_gradients(hf, tokens, gradients))
        save(gradients, folder / "gradients.safetensors")


def as_transformer_lens(hf):
    """The same model in TransformerLens, or None where it has no such model."""
    if hf.config.model_type == "gpt2":
        return hooked.gpt2(hf)
    plain_rotation = hf.config.rope_parameters["rope_type"] == "default"
    return hooked.llama(hf) if plain_rotation and not hf.config.mlp_bias else None


def native_case(name, fields, seed):
    """A checkpoint in TransformerLens's own layout: its parameter names, and its config fields as config.json."""
    tl = HookedTransformer(hooked.config(**fields), move_to_device=False).eval()
    randomise(tl, seed)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "hooked_transformer"} | fields, indent=2) + "\n")
    save({key: parameter.detach() for key, parameter in tl.named_parameters()}, folder / "model.safetensors")
    for file, tokens in prompts(seed):
        sites = hooked.record(tl, tokens)
        print(f"{name:18} {len(tokens):2} tokens {len(sites):3} tensors")
        save(sites, folder / file)
    if fields["attn_only"]:
        save(hooked.gradients(tl, prompts(seed)[0][1], ANSWER, WRONG), folder / "gradients.safetensors")


@torch.no_grad()
def randomise(model, seed):
    """Fresh norms are 1 and 0 and fresh biases 0, which would hide mistakes: every parameter gets noise."""
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        is_norm = parameter.ndim == 1 and name.endswith((".weight", ".w"))
        parameter.copy_(float(is_norm) + 0.2 * torch.randn(parameter.shape))


def prompts(seed):
    """The long prompt and the one of a single token."""
    ids = torch.randint(VOCAB, (12,), generator=torch.Generator().manual_seed(seed)).tolist()
    return [("expected.safetensors", ids), ("expected_one_token.safetensors", ids[:1])]


@torch.no_grad()
def compare(hf, tokens, sites):
    """Asserts that TransformerLens agrees with the Hugging Face model; gives the largest differences."""
    out = hf(torch.tensor([tokens]), output_hidden_states=True, output_attentions=True)
    worst = {"logits": distance(out.logits[0], sites["logits"])}
    layers = range(hf.config.num_hidden_layers)
    worst["resid_pre"] = max(distance(out.hidden_states[l][0], sites[f"blocks.{l}.hook_resid_pre"]) for l in layers)
    worst["pattern"] = max(distance(out.attentions[l][0], sites[f"blocks.{l}.attn.hook_pattern"]) for l in layers)
    if hf.config.model_type == "llama":
        reference = llama_hooks.record(hf, tokens)
        assert set(sites) == set(reference), set(sites) ^ set(reference)
        worst["hooks"] = max(distance(reference[name], sites[name]) for name in sites)
    assert all(value < 1e-5 for value in worst.values()), worst
    return [f"{key} {value:.1e}" for key, value in worst.items()]


def compare_gradients(hf, tokens, gradients):
    """Asserts that the gradients at the residual stream are those of the Hugging Face model."""
    out = hf(torch.tensor([tokens]), output_hidden_states=True)
    states = out.hidden_states[:-1]
    torch.autograd.backward(out.logits[0, -1, ANSWER] - out.logits[0, -1, WRONG], inputs=states)
    worst = max(distance(state.grad[0], gradients[f"blocks.{l}.hook_resid_pre"]) for l, state in enumerate(states))
    assert worst < 1e-5, worst
    return [f"resid_pre {worst:.1e}"]


def distance(a, b):
    """The largest absolute difference; masked scores (-inf) must be masked in both."""
    assert a.shape == b.shape and torch.equal(a.isinf(), b.isinf()), (a.shape, b.shape)
    return torch.where(a.isinf(), 0, a - b).abs().max().item()


def as_transformers_4(config):
    """The same config.json as transformers 4 wrote it."""
    dropped = ["rope_parameters", "dtype", "pad_token_id"]
    if config["model_type"] == "gpt2" and config["tie_word_embeddings"]:
        dropped.append("tie_word_embeddings")  # true was every model's default, and defaults were not written
    if config.get("head_dim") == config.get("hidden_size", 0) // config.get("num_attention_heads", 1):
        dropped.append("head_dim")
    older = {key: value for key, value in config.items() if key not in dropped}
    older |= {"torch_dtype": config["dtype"], "transformers_version": "4.44.0"}
    if rope := config.get("rope_parameters"):
        scaling = {key: value for key, value in rope.items() if key != "rope_theta"}
        if scaling["rope_type"] == "linear":
            scaling["type"] = scaling.pop("rope_type")
        older["rope_theta"] = rope["rope_theta"]
        older["rope_scaling"] = None if rope["rope_type"] == "default" else scaling
    return older


def save(tensors, path):
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, path)


if __name__ == "__main__":
    main(sys.argv[1:])
