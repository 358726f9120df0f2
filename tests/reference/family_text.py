"""What batches with padding and greedy generation must give, for checkpoints that others wrote before."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, T5ForConditionalGeneration

PADDED = {"gpt2": "gpt2-tiny", "llama": "llama-gqa-tied", "t5": "families/t5"}
GENERATED = ["gpt2-tiny", "llama-gqa-tied", "families/mistral-window", "families/gemma2", "families/t5"]
LENGTHS, PAD, NEW = (9, 6, 2), 0, 12


def load(folder):
    config = AutoConfig.from_pretrained(folder)
    auto = T5ForConditionalGeneration if config.is_encoder_decoder else AutoModelForCausalLM
    return auto.from_pretrained(folder, config=config, attn_implementation="eager").eval()


@torch.no_grad()
def padded(hf, seed):
    """Three rows of different lengths, padded at the left. Logits of padding are 0, for they mean nothing."""
    generator = torch.Generator().manual_seed(seed)
    width = max(LENGTHS)
    tokens = torch.randint(2, hf.config.vocab_size, (len(LENGTHS), width), generator=generator)
    mask = torch.tensor([[0] * (width - length) + [1] * length for length in LENGTHS])
    tokens = tokens.masked_fill(mask == 0, PAD)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    logits = hf(tokens, attention_mask=mask, position_ids=positions).logits * mask[..., None]
    for row, length in enumerate(LENGTHS):
        alone = hf(tokens[row:row + 1, -length:]).logits[0]
        torch.testing.assert_close(logits[row, -length:], alone, atol=1e-5, rtol=0)
    return {"tokens": tokens, "attention_mask": mask, "logits": logits}


@torch.no_grad()
def padded_source(hf, seed):
    """An encoder-decoder's two sources, the second padded at the right, each with 5 tokens to decode."""
    generator = torch.Generator().manual_seed(seed)
    source, target = (torch.randint(2, hf.config.vocab_size, (2, n), generator=generator) for n in (9, 5))
    mask = torch.ones_like(source)
    source[1, 6:], mask[1, 6:] = PAD, 0
    logits = hf(source, attention_mask=mask, decoder_input_ids=target).logits
    alone = hf(source[1:, :6], decoder_input_ids=target[1:]).logits[0]
    torch.testing.assert_close(logits[1], alone, atol=1e-5, rtol=0)
    return {"input_ids": source, "attention_mask": mask, "decoder_input_ids": target, "logits": logits}


@torch.no_grad()
def generated(hf, seed):
    """A prompt of 7 tokens and the 12 likeliest after it, one by one; again with repeated tokens made unlikelier.

    No token ends the text. What an encoder-decoder writes begins after its start token, which is left out.
    """
    prompt = torch.randint(2, hf.config.vocab_size, (1, 7), generator=torch.Generator().manual_seed(seed))
    found = {"prompt": prompt[0]}
    for name, penalty in (("greedy", 1.0), ("greedy_penalty_1_3", 1.3)):
        start = {"decoder_start_token_id": hf.config.decoder_start_token_id} if hf.config.is_encoder_decoder else {}
        how = GenerationConfig(do_sample=False, max_new_tokens=NEW, eos_token_id=None, pad_token_id=PAD,
                               repetition_penalty=penalty, **start)
        hf.generation_config = how
        out = hf.generate(prompt, generation_config=how, attention_mask=torch.ones_like(prompt), output_scores=True,
                          return_dict_in_generate=True)
        text, best = out.sequences[0], torch.stack(out.scores)[:, 0].topk(2).values
        assert (best[:, 0] - best[:, 1]).min() > 1e-3, "too close to call"
        found[name] = text[-NEW:]
        assert len(text) == NEW + (1 if start else prompt.shape[1])
    return found
