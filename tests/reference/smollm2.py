"""What SmolLM2-135M-Instruct says after a few prompts: probabilities and logits for smollm2.json.

    python smollm2.py FOLDER        # holds config.json, tokenizer.json, model.safetensors (f16)

Weights are widened to float32 before the run. The tokenizer adds no token of its own: a prompt stands with and without
`<|im_start|>` (id 1, the configuration's `bos_token_id`) before it.
"""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

PROMPTS = [
    "The capital of France is",
    "When Mary and John went to the store, John gave a drink to",
    "When John and Mary went to the shops, John gave the bag to",
]
PROBED = [0, 1, 2, 28, 1000, 10000, 49151]


def main(folder):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    rows = []
    for prompt in PROMPTS:
        ids = tokenizer.encode(prompt, add_special_tokens=False).ids
        for bos in ([], [model.config.bos_token_id]):
            row = {"prompt": prompt, "tokens": bos + ids, **answer(model, tokenizer, bos + ids)}
            print(prompt, bos, [(t["token"], round(t["probability"], 4)) for t in row["top"]])
            rows.append(row)
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    (Path(__file__).parent / "smollm2.json").write_text(f"[\n{lines}\n]\n")


@torch.no_grad()
def answer(model, tokenizer, ids):
    """The five likeliest next tokens, and the logits of a few fixed ids, at the last position."""
    out = model(torch.tensor([ids]), output_hidden_states=True)
    logits = out.logits[0, -1]
    probabilities, best = logits.softmax(-1).topk(5)
    return {
        "top": [
            {"token": tokenizer.decode([i]), "id": i, "probability": round(p, 6), "logit": round(logits[i].item(), 5)}
            for i, p in zip(best.tolist(), probabilities.tolist())
        ],
        "logits": {str(i): round(logits[i].item(), 5) for i in PROBED},
        # The norm of the residual stream at the last position before each layer: where a wrong layer first shows.
        "resid_pre_norm": [round(state[0, -1].norm().item(), 4) for state in out.hidden_states[:-1]],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
