"""What TransformerLens ("tl") and Hugging Face transformers ("hf") take for what the benches beside this file time.

    python torch_cases.py forward|generate|patching      answers what `compare` asks

The model has GPT-2 small's shape and random, frozen weights: the time does not depend on them. It runs on the CPU in
float32. Sizes are tokens, for a batch of one text; for sweeps, prompts of 15 tokens.

tl forward           all logits
tl run_with_cache    all logits and every hook that is on
tl one site          all logits and blocks.6.hook_resid_post
tl gradients         all logits, and the gradient of one at every hook_resid_*
hf forward           all logits, the default attention
hf hidden + attentions
                     all logits, hidden states, attention weights; eager attention
tl generate, hf generate
                     32 new tokens, greedily, with keys and values kept; the time is for each of them
tl resid_pre, tl head_out_all_pos
                     the sweeps of transformer_lens.patching, the run with cache included
"""

import importlib.metadata
import sys
import time

import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig, patching
from transformers import GPT2Config, GPT2LMHeadModel

NEW = 32


def main():
    cases, per = {"forward": (forward, 1), "generate": (generate, NEW), "patching": (sweeps, 1)}[sys.argv[1]]
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    cases = cases()
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in
                    ("torch", "transformers", "transformer_lens")), flush=True)
    for line in sys.stdin:
        case, size, seconds = line.rstrip("\n").split("\t")
        print(*timed(cases[case], int(size), float(seconds), per), flush=True)


def timed(run, size, seconds, per):
    """Runs until so many seconds are over, at least once. The first run is not counted where there are others."""
    runs, begin = [], time.perf_counter()
    while not runs or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        run(size)
        runs.append(1e3 * (time.perf_counter() - start) / per)
    return runs[1:] or runs


def hooked():
    return HookedTransformer(HookedTransformerConfig(
        n_layers=12, n_heads=12, d_model=768, d_head=64, d_mlp=3072, n_ctx=1024, d_vocab=50257, act_fn="gelu_new",
        normalization_type="LN", device="cpu",
    )).eval().requires_grad_(False)


def ids(tokens, texts=1):
    return torch.randint(50257, (texts, tokens))


def forward():
    tl, hf = hooked(), GPT2LMHeadModel(GPT2Config()).eval()
    eager = GPT2LMHeadModel(GPT2Config(attn_implementation="eager")).eval()
    return {
        "tl forward": lambda n: tl(ids(n)),
        "tl run_with_cache": lambda n: tl.run_with_cache(ids(n)),
        "tl one site": lambda n: tl.run_with_cache(ids(n), names_filter="blocks.6.hook_resid_post"),
        "tl gradients": lambda n: residual_gradients(tl, ids(n)),
        "hf forward": lambda n: hf(ids(n), use_cache=False),
        "hf hidden + attentions": lambda n: eager(
            ids(n), use_cache=False, output_hidden_states=True, output_attentions=True),
    }


def residual_gradients(tl, tokens):
    kept = []

    def keep(resid, hook):
        resid.requires_grad_().retain_grad()
        kept.append(resid)

    with torch.enable_grad():
        hooks = [(lambda name: "hook_resid_" in name, keep)]
        tl.run_with_hooks(tokens, fwd_hooks=hooks)[0, -1, 0].backward()
    return [resid.grad for resid in kept]


def generate():
    tl, hf = hooked(), GPT2LMHeadModel(GPT2Config(eos_token_id=None, bos_token_id=None)).eval()
    return {
        "tl generate": lambda n: tl.generate(
            ids(n), max_new_tokens=NEW, stop_at_eos=False, do_sample=False, use_past_kv_cache=True, verbose=False),
        "hf generate": lambda n: hf.generate(
            ids(n), attention_mask=torch.ones(1, n), max_new_tokens=NEW, do_sample=False, pad_token_id=0),
    }


def sweeps():
    tl = hooked()

    def sweep(function, prompts):
        clean = ids(15, prompts)
        corrupt = clean.clone()
        corrupt[:, 9] = (corrupt[:, 9] + 1) % 50257
        _, cache = tl.run_with_cache(clean)
        function(tl, corrupt, cache, lambda logits: (logits[:, -1, 11] - logits[:, -1, 12]).mean())

    return {
        "tl resid_pre": lambda n: sweep(patching.get_act_patch_resid_pre, n),
        "tl head_out_all_pos": lambda n: sweep(patching.get_act_patch_attn_head_out_all_pos, n),
    }


if __name__ == "__main__":
    main()
