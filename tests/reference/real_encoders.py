"""What two trained encoders say: probabilities for a blank, and how alike sentences are, for real_encoders.json.

    python real_encoders.py BERT_TINY_FOLDER MINILM_FOLDER

The sentences and their similarities (.6660, .1046, .1411) are also those that the sentence-transformers library's
documentation prints for all-MiniLM-L6-v2.
"""

import json
import sys
from pathlib import Path

import torch
from torch.nn.functional import normalize
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

BLANKS = ["The capital of France is [MASK].", "She [MASK] to the [MASK]."]
SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]


@torch.no_grad()
def fill(folder):
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForMaskedLM.from_pretrained(folder).eval()
    for text in BLANKS:
        ids = tokenizer(text, return_tensors="pt").input_ids
        logits = model(ids).logits[0]
        blanks = (ids[0] == tokenizer.mask_token_id).nonzero().flatten().tolist()
        yield {"text": text, "tokens": ids[0].tolist(), "blanks": [
            {"position": at, "top": best(tokenizer, logits[at])} for at in blanks]}


def best(tokenizer, logits):
    probabilities, ids = logits.softmax(-1).topk(5)
    return [{"token": tokenizer.convert_ids_to_tokens(i), "probability": round(p, 6), "logit": round(logits[i].item(), 5)}
            for i, p in zip(ids.tolist(), probabilities.tolist())]


@torch.no_grad()
def embed(folder):
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    given = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    states, mask = model(**given).last_hidden_state, given.attention_mask.unsqueeze(-1)
    vectors = normalize((states * mask).sum(1) / mask.sum(1), dim=1)
    rounded = lambda rows: [[round(x, 6) for x in row] for row in rows.tolist()]
    return {"sentences": SENTENCES, "similarity": rounded(vectors @ vectors.T), "beginnings": rounded(vectors[:, :8])}


if __name__ == "__main__":
    found = {"fill_mask": list(fill(sys.argv[1])), "embed": embed(sys.argv[2])}
    (Path(__file__).parent / "real_encoders.json").write_text(json.dumps(found) + "\n")
