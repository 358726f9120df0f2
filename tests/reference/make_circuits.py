"""Writes what TransformerLens reads off the weights and patterns of three tiny checkpoints, beside each checkpoint.

    python make_circuits.py

`circuits.safetensors` holds

- `composition.{Q,K,V}`: `all_composition_scores`, [layer, head, layer, head].
- `{QK,OV}.{U,S,V,norm,collapse_l,even_a}`, `{QK,OV}.eigenvalues.{real,imag}`: of the factored matrices of all heads.
  Singular vectors are known up to their sign; eigenvalues come in any order.
- `directions.{OV,w_in,w_out}`: `SVDInterpreter.get_singular_vectors` of the last layer (and its last head), 5 vectors,
  [d_vocab, vector]. Where it cannot read grouped heads, the same product by hand.
- `tokens`, and `detect.{pattern}.{measure}.{what is excluded}`: `detect_head` on a text of which a part comes twice.
  `given` is the pattern that looks half at the first token and half at the present one.
"""

from pathlib import Path

import torch
from transformer_lens import SVDInterpreter
from transformer_lens.head_detector import HEAD_NAMES, detect_head
from transformers.utils import logging

import hooked
from make_tiny import save

HERE = Path(__file__).parent
VECTORS = 5
TOKENS = [7, 3, 50, 3, 12, 9, 31, 80, 44, 2, 50, 3, 12, 9, 31, 80, 44, 2, 60, 7]


CASES = {
    "gpt2-tiny": hooked.opened(hooked.gpt2),
    "llama-gqa-tied": hooked.opened(hooked.llama),
    "attn-only-tiny": hooked.native,
}


@torch.no_grad()
def main():
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for name, opened in CASES.items():
        model = opened(HERE / name)
        tensors = composition(model) | factored(model) | directions(model) | detected(model)
        save(tensors, HERE / name / "circuits.safetensors")
        print(f"{name:18} {len(tensors)} tensors")


def composition(model):
    return {f"composition.{mode}": model.all_composition_scores(mode) for mode in "QKV"}


def factored(model):
    tensors = {}
    for name, matrix in (("QK", model.QK), ("OV", model.OV)):
        eigenvalues = matrix.eigenvalues
        values = {"U": matrix.U, "S": matrix.S, "V": matrix.V, "norm": matrix.norm(),
                  "collapse_l": matrix.collapse_l(), "even_a": matrix.make_even().A,
                  "eigenvalues.real": eigenvalues.real, "eigenvalues.imag": eigenvalues.imag}
        tensors |= {f"{name}.{key}": value for key, value in values.items()}
    return tensors


def directions(model):
    layer, head = model.cfg.n_layers - 1, model.cfg.n_heads - 1
    if model.cfg.n_key_value_heads is None:
        ov = SVDInterpreter(model).get_singular_vectors("OV", layer, VECTORS, head)[:, 0]
    else:
        ov = (model.OV[layer, head].V.T[:VECTORS] @ model.W_U).T
    tensors = {"directions.OV": ov}
    if not model.cfg.attn_only:
        for kind in ("w_in", "w_out"):
            tensors[f"directions.{kind}"] = SVDInterpreter(model).get_singular_vectors(kind, layer, VECTORS)[:, 0]
    return tensors


def detected(model):
    ids = torch.tensor([TOKENS])
    # The detector cuts its text into tokens itself, which these models have no tokenizer for.
    model.to_tokens = lambda _: ids
    _, cache = hooked.run(model, ids)
    patterns_of = {l: cache[f"blocks.{l}.attn.hook_pattern"] for l in range(model.cfg.n_layers)}
    n = len(TOKENS)
    given = 0.5 * torch.eye(n)
    given[:, 0] += 0.5
    named = {name.removesuffix("_head"): name for name in HEAD_NAMES} | {"given": given}
    tensors = {"tokens": ids[0]}
    for name, pattern in named.items():
        for measure in ("mul", "abs"):
            for label, exclude in (("nothing", {}), ("bos", {"exclude_bos": True}),
                                   ("current", {"exclude_current_token": True}),
                                   ("both", {"exclude_bos": True, "exclude_current_token": True})):
                # Fresh patterns each time: the detector writes into those it is given.
                fresh = {("pattern", l, "attn"): weights.clone() for l, weights in patterns_of.items()}
                scores = detect_head(model, "", pattern, cache=fresh, error_measure=measure, **exclude)
                tensors[f"detect.{name}.{measure}.{label}"] = scores
    return tensors


if __name__ == "__main__":
    main()
