"""Times greedy generation with keys and values kept, of a model of GPT-2 small's shape, and prints JSON.

    python generate_torch.py [--tokens 15,256] [--new 32] [--batch 1] [--threads 2] [--runs 5]

Weights are random: the time does not depend on them. Without gradients, on the CPU, in float32. `median_ms` is the
time for each new token, the prompt's share included.
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
    options.add_argument("--tokens", default="15,256", type=lambda s: [int(n) for n in s.split(",")])
    options.add_argument("--new", default=32, type=int)
    options.add_argument("--batch", default=1, type=int)
    options.add_argument("--threads", default=2, type=int)
    options.add_argument("--runs", default=5, type=int)
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    torch.manual_seed(0)

    results = []
    for case, run in cases(options.new).items():
        for n in options.tokens:
            ids = torch.randint(50257, (options.batch, n))
            assert run(ids).shape == (options.batch, n + options.new)
            times = []
            for _ in range(options.runs):
                start = time.perf_counter()
                run(ids)
                times.append(1e3 * (time.perf_counter() - start) / options.new)
            results.append({"case": case, "tokens": n, "median_ms": round(statistics.median(times), 3)})
    print(json.dumps({"system": f"torch {torch.__version__}, transformers {transformers.__version__}",
                      "threads": options.threads, "load": os.getloadavg()[0], "results": results}))


def cases(new):
    tl = HookedTransformer(HookedTransformerConfig(
        n_layers=12, n_heads=12, d_model=768, d_head=64, d_mlp=3072, n_ctx=1024, d_vocab=50257, act_fn="gelu_new",
        normalization_type="LN", device="cpu",
    )).eval()
    hf = GPT2LMHeadModel(GPT2Config(eos_token_id=None, bos_token_id=None)).eval()
    return {
        "tl generate": lambda ids: tl.generate(
            ids, max_new_tokens=new, stop_at_eos=False, do_sample=False, use_past_kv_cache=True, verbose=False),
        "hf generate": lambda ids: hf.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, do_sample=False, pad_token_id=0),
    }


if __name__ == "__main__":
    main()
