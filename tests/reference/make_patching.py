"""Writes what TransformerLens's `patching` and its direct logit attribution say of three tiny checkpoints.

    python make_patching.py

`patching.safetensors`, beside each checkpoint, holds

- `clean`, `corrupt`: two pairs of prompts; the corrupt ones are the clean ones in the other order. `answers`, `wrong`.
- `patch.{kind}`: the mean logit difference after each `get_act_patch_*` of `transformer_lens.patching`, not normalised.
- `processed.{number}` (GPT-2): the numbers of the Exploratory Analysis Demo, after `process_weights_()` with its
  defaults: `logit_lens`, `per_layer`, `per_head_dla`, and the maps `patch_*` from 0 (corrupt) to 1 (clean).
"""

import contextlib
import io
from pathlib import Path

import torch
import transformer_lens.patching as patching
from transformers.utils import logging

import hooked
from make_tiny import save

HERE = Path(__file__).parent
CLEAN = torch.tensor([[7, 3, 50, 11, 12, 9, 31, 80], [7, 3, 50, 12, 11, 9, 31, 80]])
ANSWERS, WRONG = torch.tensor([11, 12]), torch.tensor([12, 11])
HEADS = [f"attn_head_{part}_{where}" for part in ("out", "q", "k", "v", "pattern") for where in ("all_pos", "by_pos")]
KINDS = ["resid_pre", "resid_mid", "attn_out", "mlp_out", "attn_head_pattern_dest_src_pos", *HEADS]


CASES = {
    "gpt2-tiny": hooked.opened(hooked.gpt2),
    "llama-mha": hooked.opened(hooked.llama),
    "attn-only-tiny": hooked.native,
}


@torch.no_grad()
def main():
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for name, opened in CASES.items():
        tensors = {"clean": CLEAN, "corrupt": CLEAN.flip(0), "answers": ANSWERS, "wrong": WRONG}
        tensors |= {f"patch.{kind}": map for kind, map in maps(opened(HERE / name), KINDS).items()}
        if name.startswith("gpt2"):
            tensors |= {f"processed.{key}": value for key, value in demo(opened(HERE / name)).items()}
        save(tensors, HERE / name / "patching.safetensors")
        print(f"{name:18} {len(tensors)} tensors")


def difference(logits):
    rows = torch.arange(len(ANSWERS))
    return (logits[rows, -1, ANSWERS] - logits[rows, -1, WRONG]).mean()


def maps(model, kinds):
    _, cache = model.run_with_cache(CLEAN)
    without_mlp = ("resid_mid", "mlp_out") if model.cfg.attn_only else ()
    results = {}
    for kind in kinds:
        if kind not in without_mlp:
            sweep = getattr(patching, f"get_act_patch_{kind}")
            with contextlib.redirect_stderr(io.StringIO()):
                results[kind] = sweep(model, CLEAN.flip(0), cache, difference)
    return results


def demo(model):
    """What the demo works out, on these prompts."""
    model.process_weights_()
    logits, cache = model.run_with_cache(CLEAN)
    directions = (model.W_U[:, ANSWERS] - model.W_U[:, WRONG]).T

    def attributed(stack):
        scaled = cache.apply_ln_to_stack(stack, layer=-1, pos_slice=-1)
        return torch.einsum("cbd,bd->c", scaled, directions) / len(CLEAN)

    numbers = {
        "logit_lens": attributed(cache.accumulated_resid(layer=-1, incl_mid=True, pos_slice=-1)),
        "per_layer": attributed(cache.decompose_resid(layer=-1, pos_slice=-1)),
        "per_head_dla": attributed(cache.stack_head_results(layer=-1, pos_slice=-1)).view(
            model.cfg.n_layers, model.cfg.n_heads),
    }
    clean, corrupt = difference(logits), difference(model(CLEAN.flip(0)))
    named = {"resid_pre": "resid_pre", "attn_out": "attn_out", "mlp_out": "mlp_out",
             "head_z": "attn_head_out_all_pos", "head_v": "attn_head_v_all_pos",
             "head_pattern": "attn_head_pattern_all_pos"}
    found = maps(model, named.values())
    return numbers | {f"patch_{name}": (found[kind] - corrupt) / (clean - corrupt) for name, kind in named.items()}


if __name__ == "__main__":
    main()
