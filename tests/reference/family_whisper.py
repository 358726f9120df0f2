"""Whisper: what its encoder of sound and its decoder must compute, recorded from the Hugging Face modules.

    python family_whisper.py

writes `families/whisper` and `families/whisper-uneven`. The two stacks of the second differ in everything in which they
may differ: layers, heads, neurons and positions.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import WhisperConfig, WhisperForConditionalGeneration

SIZE = dict(vocab_size=53, d_model=16, num_mel_bins=5, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=20, decoder_ffn_dim=20, max_source_positions=18,
            max_target_positions=14, pad_token_id=0, bos_token_id=1, eos_token_id=1, decoder_start_token_id=2,
            suppress_tokens=[], begin_suppress_tokens=[])
CASES = {
    "whisper": SIZE,
    "whisper-uneven": SIZE | dict(num_mel_bins=7, encoder_layers=2, decoder_layers=3, encoder_attention_heads=2,
                                  encoder_ffn_dim=24, decoder_ffn_dim=12, max_source_positions=16,
                                  max_target_positions=20),
}
HERE = Path(__file__).parent


def build(settings):
    hf = WhisperForConditionalGeneration(WhisperConfig(**settings))
    hf.set_attn_implementation("eager")
    with torch.no_grad():
        for name, parameter in hf.named_parameters():
            if "encoder.embed_positions" not in name:  # sinusoids
                parameter.copy_(torch.randn_like(parameter) * 0.3 + (1.0 if "norm.weight" in name else 0.0))
    return hf.eval()


@torch.no_grad()
def record(hf, mel, ids):
    """Everything without the batch axis."""
    seen = {}
    for name, module in hf.named_modules():
        def keep(_, args, kwargs, output, name=name):
            given = args[0] if args else kwargs.get("hidden_states")
            seen[name] = given, output[0] if isinstance(output, tuple) else output
        module.register_forward_hook(keep, with_kwargs=True)
    out = hf(input_features=mel[None], decoder_input_ids=ids[None], output_hidden_states=True, output_attentions=True)
    found = {"hook_mel": mel, "decoder_input_ids": ids, "logits": out.logits[0],
             "encoder.conv1.hook_out": seen["model.encoder.conv1"][1][0],
             "encoder.conv2.hook_out": seen["model.encoder.conv2"][1][0]}
    embed = torch.nn.functional.gelu(found["encoder.conv2.hook_out"]).T
    positions = hf.model.encoder.embed_positions.weight
    found |= {"encoder.hook_embed": embed, "encoder.hook_pos_embed": positions.clone(),
              "decoder.hook_embed": hf.model.decoder.embed_tokens.weight[ids],
              "decoder.hook_pos_embed": hf.model.decoder.embed_positions.weight[:len(ids)].clone()}
    for side, attentions in (("encoder", out.encoder_attentions), ("decoder", out.decoder_attentions)):
        stack = getattr(hf.model, side)
        hidden = out[f"{side}_hidden_states"]
        for l, layer in enumerate(stack.layers):
            at = f"model.{side}.layers.{l}"
            hooks = {"hook_resid_pre": hidden[l][0]}
            hooks |= attention(layer.self_attn, f"{at}.self_attn", "attn", seen, attentions[l][0])
            hooks |= norm(layer.self_attn_layer_norm, "ln1", seen[f"{at}.self_attn_layer_norm"])
            mid = hooks["hook_resid_mid"] = hidden[l][0] + hooks["hook_attn_out"]
            if side == "decoder":
                cross = attention(layer.encoder_attn, f"{at}.encoder_attn", "cross_attn", seen,
                                  out.cross_attentions[l][0])
                hooks |= cross | norm(layer.encoder_attn_layer_norm, "ln2", seen[f"{at}.encoder_attn_layer_norm"])
                mid = hooks["hook_resid_mid_cross"] = mid + hooks["hook_cross_attn_out"]
            ln = "ln3" if side == "decoder" else "ln2"
            hooks |= norm(layer.final_layer_norm, ln, seen[f"{at}.final_layer_norm"])
            hooks["mlp.hook_pre"] = seen[f"{at}.fc1"][1][0]
            hooks["mlp.hook_post"], hooks["hook_mlp_out"] = (x[0] for x in seen[f"{at}.fc2"])
            hooks["hook_resid_post"] = mid + hooks["hook_mlp_out"]
            if l + 1 < len(stack.layers):
                torch.testing.assert_close(hooks["hook_resid_post"], hidden[l + 1][0], atol=1e-5, rtol=0)
            found |= {f"{side}.{l}.{name}": value for name, value in hooks.items()}
        found |= norm(stack.layer_norm, f"{side}_final_ln", seen[f"model.{side}.layer_norm"])
    found["encoder_final_ln.hook_out"] = out.encoder_last_hidden_state[0]
    found["unembed.hook_in"] = out.decoder_hidden_states[-1][0]
    return found


def attention(module, at, ours, seen, pattern):
    heads = lambda x: x[0].view(x.shape[1], module.num_heads, -1)
    q, k, v = (heads(seen[f"{at}.{name}_proj"][1]) for name in "qkv")
    z = heads(seen[f"{at}.out_proj"][0])
    scores = torch.einsum("qhd,khd->hqk", q, k) * q.shape[-1] ** -0.5
    if ours == "attn" and "decoder" in at:
        scores = scores.masked_fill(torch.ones(scores.shape[1:]).triu(1).bool(), -torch.inf)
    torch.testing.assert_close(scores.softmax(-1), pattern, atol=1e-5, rtol=0)
    w_o = module.out_proj.weight.T.reshape(module.num_heads, -1, module.out_proj.weight.shape[0])
    return {f"{ours}.hook_q": q, f"{ours}.hook_k": k, f"{ours}.hook_v": v, f"{ours}.hook_attn_scores": scores,
            f"{ours}.hook_pattern": pattern, f"{ours}.hook_z": z,
            f"{ours}.hook_result": torch.einsum("phd,hdm->phm", z, w_o),
            f"hook_{ours}_out": seen[f"{at}.out_proj"][1][0]}


def norm(module, name, through):
    x, y = (value[0] for value in through)
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.pow(2).mean(-1, keepdim=True) + module.eps).sqrt()
    torch.testing.assert_close(centred / scale * module.weight + module.bias, y, atol=1e-5, rtol=0)
    return {f"{name}.hook_scale": scale, f"{name}.hook_normalized": centred / scale}


@torch.no_grad()
def greedy(hf, mel, ids):
    """The likeliest token, eight times."""
    for _ in range(8):
        logits = hf(input_features=mel[None], decoder_input_ids=ids[None]).logits[0, -1]
        ids = torch.cat([ids, logits.argmax()[None]])
    return ids


def main():
    for seed, (name, settings) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        hf = build(settings)
        mel = torch.randn(settings["num_mel_bins"], 2 * settings["max_source_positions"])
        ids = torch.randint(3, settings["vocab_size"], (9,))
        ids[0] = settings["decoder_start_token_id"]
        folder = HERE / "families" / name
        found = record(hf, mel, ids)
        found["greedy"] = greedy(hf, mel, ids[:1])
        hf.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        save_file({key: value.contiguous() for key, value in found.items()}, folder / "expected.safetensors")
        print(name, len(found), "values; greedy", found["greedy"].tolist())


if __name__ == "__main__":
    main()
