"""Times TransformerLens's patching sweeps on a model of GPT-2 small's shape, 15 tokens, and prints JSON.

    python patching_torch.py [--threads 2] [--prompts 1,8]

Weights are random: the time does not depend on them. Float32 on the CPU, without gradients.
"""

import argparse
import json
import time

import torch
import transformer_lens.patching as patching
from transformer_lens import HookedTransformer, HookedTransformerConfig


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--threads", default=2, type=int)
    options.add_argument("--prompts", default="1,8", type=lambda s: [int(n) for n in s.split(",")])
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    model = HookedTransformer(HookedTransformerConfig(
        n_layers=12, n_heads=12, d_model=768, d_head=64, d_mlp=3072, n_ctx=1024, d_vocab=50257, act_fn="gelu_new",
        normalization_type="LN", device="cpu",
    )).eval()
    metric = lambda logits: (logits[:, -1, 11] - logits[:, -1, 12]).mean()

    results = []
    for prompts in options.prompts:
        clean = torch.randint(50257, (prompts, 15))
        corrupt = clean.clone()
        corrupt[:, 9] = (corrupt[:, 9] + 1) % 50257
        for case, sweep in {"resid_pre": patching.get_act_patch_resid_pre,
                            "head_out_all_pos": patching.get_act_patch_attn_head_out_all_pos}.items():
            start = time.perf_counter()
            _, cache = model.run_with_cache(clean)
            sweep(model, corrupt, cache, metric)
            took = 1e3 * (time.perf_counter() - start)
            results.append({"case": case, "prompts": prompts, "median_ms": round(took, 3)})
    print(json.dumps({"system": f"torch {torch.__version__}", "results": results}))


if __name__ == "__main__":
    main()
