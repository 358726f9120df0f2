"""Writes what TransformerLens's weight processing makes of two of the tiny checkpoints, beside each checkpoint.

    python make_processed.py

`processed.safetensors` holds the parameters of the last block, the embedding and the unembedding after
`process_weights_()` with its defaults; for GPT-2 those of the last block after `refactor_factored_attn_matrices` too,
under `refactored.`.
"""

from pathlib import Path

from transformers import AutoModelForCausalLM
from transformers.utils import logging

import hooked
from make_tiny import save

HERE = Path(__file__).parent
CASES = {"gpt2-tiny": hooked.gpt2, "llama-gqa-untied": hooked.llama}


def main():
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for name, to_transformer_lens in CASES.items():
        hf = AutoModelForCausalLM.from_pretrained(HERE / name).eval()
        tensors = processed(to_transformer_lens(hf))
        if name.startswith("gpt2"):
            again = processed(to_transformer_lens(hf), refactor_factored_attn_matrices=True)
            tensors |= {f"refactored.{key}": value for key, value in again.items() if ".attn." in key}
        save(tensors, HERE / name / "processed.safetensors")
        print(f"{name:18} {len(tensors)} tensors")


def processed(tl, **steps):
    """The kept parameters of a model after processing. Biases that stay zero say nothing, but must be zero."""
    tl.process_weights_(**steps)
    last = f"blocks.{tl.cfg.n_layers - 1}."
    kept = (last, "embed.", "pos_embed.", "unembed.")
    return {name: parameter for name, parameter in tl.named_parameters() if name.startswith(kept)}


if __name__ == "__main__":
    main()
