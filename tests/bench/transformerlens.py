"""Times TransformerLens and Hugging Face transformers on a model of GPT-2 small's shape, and prints JSON.

    python transformerlens.py [--tokens 15,64,256] [--threads 2] [--seconds 3]

Weights are random and frozen: the time does not depend on them. Both run on the CPU in float32, the batch is 1.

forward                  all logits                                    TransformerLens
run_with_cache           all logits and every hook that is on          TransformerLens
one_site_one_logit       all logits and blocks.6.hook_resid_post       TransformerLens
gradients_at_all_residual_sites
                         all logits, d(one of them)/d(every hook_resid_*)  TransformerLens
hf forward               all logits                                    Hugging Face, its default attention
hf hidden + attentions   all logits, hidden states, attention weights  Hugging Face, eager attention
"""

import argparse
import json
import os
import statistics
import time

import torch
import transformers
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformers import GPT2Config, GPT2LMHeadModel


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--tokens", default="15,64,256", type=lambda s: [int(n) for n in s.split(",")])
    options.add_argument("--threads", default=2, type=int)
    options.add_argument("--seconds", default=3.0, type=float, help="for each case and length, at least 5 runs")
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    torch.manual_seed(0)

    results = []
    for case, run in cases().items():
        for n in options.tokens:
            ids = torch.randint(50257, (1, n))
            results.append({"case": case, "tokens": n, **measure(lambda: run(ids), options.seconds)})
    print(json.dumps({"system": f"torch {torch.__version__}, transformers {transformers.__version__}",
                      "threads": options.threads, "load": os.getloadavg()[0], "results": results}))


def cases():
    tl = HookedTransformer(HookedTransformerConfig(
        n_layers=12, n_heads=12, d_model=768, d_head=64, d_mlp=3072, n_ctx=1024, d_vocab=50257, act_fn="gelu_new",
        normalization_type="LN", device="cpu",
    )).eval().requires_grad_(False)
    hf = GPT2LMHeadModel(GPT2Config()).eval()
    eager = GPT2LMHeadModel(GPT2Config(attn_implementation="eager")).eval()
    return {
        "forward": tl,
        "run_with_cache": tl.run_with_cache,
        "one_site_one_logit": lambda ids: tl.run_with_cache(ids, names_filter="blocks.6.hook_resid_post"),
        "gradients_at_all_residual_sites": lambda ids: residual_gradients(tl, ids),
        "hf forward": lambda ids: hf(ids, use_cache=False),
        "hf hidden + attentions": lambda ids: eager(
            ids, use_cache=False, output_hidden_states=True, output_attentions=True),
    }


def residual_gradients(tl, ids):
    """The gradient of one logit at the last position with respect to every hook_resid_*."""
    kept = []

    def keep(resid, hook):
        resid.requires_grad_().retain_grad()
        kept.append(resid)

    with torch.enable_grad():
        hooks = [(lambda name: "hook_resid_" in name, keep)]
        tl.run_with_hooks(ids, fwd_hooks=hooks)[0, -1, 0].backward()
    return [resid.grad for resid in kept]


def measure(run, seconds):
    """The median and the smallest time of a call, and the processor's for all threads, after two that do not count."""
    run(), run()
    times, until, cpu = [], time.perf_counter() + seconds, time.process_time()
    while len(times) < 5 or time.perf_counter() < until:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    cpu = 1e3 * (time.process_time() - cpu) / len(times)
    return {"median_ms": round(statistics.median(times), 3), "min_ms": round(min(times), 3), "cpu_ms": round(cpu, 3),
            "runs": len(times)}


if __name__ == "__main__":
    main()
