"""Finds each published activation of gpt-nano-sort among the TransformerLens hooks, and writes the map.

    python nanosort.py FOLDER        # holds config.json, model.safetensors and gpt-nano-sort-t0-partials.json

The activations were printed by another author's torch program (minGPT's model), so they test both the loader and the
forward pass. They are not kept here; nanosort.json says where to find each one. A partial `name` is
`partials[name]["data"]`, base64 of little-endian f32 in the shape `partials[name]["shape"]`, the batch of 3 first. The
input is `idx`, token ids written as floats.

Tolerance: 2e-6 times the larger of 1 and the expected number's size. The logits reach 8.4, and the published ones are
themselves 1.9e-6 away from the same model in float64.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import GPT2LMHeadModel

import hooked

BLOCK = "blocks.0."

# (published name, hooks, what to do with the hooks' values to get the published one)
MAP = [
    ("tok_emb", ["hook_embed"], "same"),
    ("pos_emb", ["hook_pos_embed"], "first of the batch"),
    ("x", [BLOCK + "hook_resid_pre"], "same"),
    ("ln1", [BLOCK + "ln1.hook_normalized"], "times ln1.w plus ln1.b"),
    ("q", [BLOCK + "attn.hook_q"], "swap pos and head"),
    ("k", [BLOCK + "attn.hook_k"], "swap pos and head"),
    ("v", [BLOCK + "attn.hook_v"], "swap pos and head"),
    ("qkv", [BLOCK + f"attn.hook_{x}" for x in "qkv"], "merge head and d_head, then concatenate"),
    ("att", [BLOCK + "attn.hook_attn_scores"], "same"),
    ("attSm", [BLOCK + "attn.hook_pattern"], "same"),
    ("y", [BLOCK + "attn.hook_z"], "merge head and d_head, then concatenate"),
    ("yProj", [BLOCK + "hook_attn_out"], "same"),
    ("attnResid", [BLOCK + "hook_resid_mid"], "same"),
    ("ln2", [BLOCK + "ln2.hook_normalized"], "times ln2.w plus ln2.b"),
    ("fc", [BLOCK + "mlp.hook_pre"], "same"),
    ("gelu", [BLOCK + "mlp.hook_post"], "same"),
    ("mlp", [BLOCK + "hook_mlp_out"], "same"),
    ("mlpResid", [BLOCK + "hook_resid_post"], "same"),
    ("block0", ["blocks.0.hook_resid_post"], "same"),
    ("block1", ["blocks.1.hook_resid_post"], "same"),
    ("block2", ["blocks.2.hook_resid_post"], "same"),
    ("ln_f", ["ln_final.hook_normalized"], "times ln_final.w plus ln_final.b"),
    ("lm_head", ["logits"], "same"),
    ("probs", ["logits"], "softmax over the vocabulary"),
]


def main(folder):
    partials = read(folder / "gpt-nano-sort-t0-partials.json")
    tl = hooked.gpt2(GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager"))
    with torch.no_grad():
        logits, cache = tl.run_with_cache(partials["idx"].long(), return_cache_object=False)
    cache["logits"] = logits
    unmapped = partials.keys() - {name for name, _, _ in MAP} - {"idx"}
    assert not unmapped, unmapped

    rows = []
    for name, hooks, transform in MAP:
        difference = distance(apply(transform, [cache[h] for h in hooks], hooks[0], tl), partials[name])
        print(f"{name:10} {difference:.1e}  {transform:40} {hooks}")
        assert difference < 2e-6, name
        rows.append({"partial": name, "shape": list(partials[name].shape), "hooks": hooks,
                     "hook_shape": list(cache[hooks[0]].shape), "transform": transform})
    table = ",\n".join("  " + json.dumps(row) for row in rows)
    (Path(__file__).parent / "nanosort.json").write_text(f"[\n{table}\n]\n")


def read(path):
    tensors = json.loads(path.read_text())
    decode = lambda t: np.frombuffer(base64.b64decode(t["data"]), dtype="<f4").reshape(t["shape"]).copy()
    return {name: torch.from_numpy(decode(t)) for name, t in tensors.items() if name != "config"}


@torch.no_grad()
def apply(transform, values, hook, tl):
    match transform:
        case "same":
            return values[0]
        case "first of the batch":
            return values[0][:1]
        case "swap pos and head":
            return values[0].transpose(1, 2)
        case "merge head and d_head, then concatenate":
            return torch.cat([v.flatten(2) for v in values], dim=-1)
        case "softmax over the vocabulary":
            return values[0].softmax(-1)
        case _:
            norm = tl.get_submodule(hook.removesuffix(".hook_normalized"))
            return values[0] * norm.w + norm.b


def distance(a, b):
    """The largest difference, relative to `b` where that is larger than 1; what is masked must be masked in both."""
    assert a.shape == b.shape and torch.equal(a.isinf(), b.isinf()), (a.shape, b.shape)
    return torch.where(a.isinf(), 0, (a - b) / b.abs().clamp(min=1)).abs().max().item()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
