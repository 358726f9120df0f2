"""Falcon's ALiBi as Hugging Face's default attention (sdpa) computes it.

Its eager attention, the only one that shows its patterns, adds ALiBi twice: the mask holds it already.
"""

import torch
from transformers import AutoModelForCausalLM
from transformers.models.falcon import modeling_falcon

alibi = modeling_falcon.build_alibi_tensor


def add_alibi_once():
    """Halves what eager attention adds twice."""
    modeling_falcon.build_alibi_tensor = lambda *args, **kwargs: alibi(*args, **kwargs) / 2


@torch.no_grad()
def check(folder, tokens, logits):
    """The logits are those of sdpa as it is."""
    modeling_falcon.build_alibi_tensor = alibi
    hf = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa").eval()
    torch.testing.assert_close(hf(torch.tensor([tokens])).logits[0], logits, atol=1e-5, rtol=0)
