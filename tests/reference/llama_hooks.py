"""Records a Hugging Face Llama under TransformerLens's hook names, for the models TransformerLens cannot hold.

`hook_pre` and `hook_pre_linear` are the outputs of `gate_proj` and `up_proj`, their biases included.
"""

import torch
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb


@torch.no_grad()
def record(hf, tokens):
    """Every hook of one run on `tokens` [pos], without the batch axis, and the logits."""
    seen, handles = {}, []
    for name, module in hf.named_modules():
        def keep(_, args, kwargs, output, name=name):
            seen[name] = (args[0] if args else kwargs.get("hidden_states"), output)
        handles.append(module.register_forward_hook(keep, with_kwargs=True))
    out = hf(torch.tensor([tokens]), output_attentions=True)
    for handle in handles:
        handle.remove()

    first = lambda x: (x[0] if isinstance(x, tuple) else x)[0]
    into = lambda name: first(seen[name][0])
    out_of = lambda name: first(seen[name][1])
    cos, sin = seen["model.rotary_emb"][1]
    sites = {"hook_tokens": torch.tensor(tokens), "hook_embed": out_of("model.embed_tokens")}
    for l, layer in enumerate(hf.model.layers):
        hooks = block(layer, f"model.layers.{l}", into, out_of, (cos, sin))
        hooks["attn.hook_pattern"] = out.attentions[l][0]
        check_pattern(hooks)
        sites |= {f"blocks.{l}.{name}": value for name, value in hooks.items()}
    sites |= norm("ln_final", hf.model.norm, into("model.norm"))
    sites |= {"unembed.hook_in": into("lm_head"), "unembed.hook_out": out_of("lm_head")}
    return sites | {"tokens": torch.tensor(tokens), "logits": out.logits[0]}


def block(layer, at, into, out_of, rotation):
    """One layer's hooks, their names relative to the block."""
    attn = layer.self_attn
    heads = lambda x: x.view(x.shape[0], -1, attn.head_dim)
    q, k, v = (heads(out_of(f"{at}.self_attn.{p}_proj")) for p in "qkv")
    resid_pre, resid_mid = into(f"{at}.input_layernorm"), into(f"{at}.post_attention_layernorm")
    z = heads(into(f"{at}.self_attn.o_proj"))
    w_o = attn.o_proj.weight.view(-1, z.shape[1], attn.head_dim)
    rot_q, rot_k = apply_rotary_pos_emb(q.transpose(0, 1)[None], k.transpose(0, 1)[None], *rotation)
    rot_q, rot_k = rot_q[0].transpose(0, 1), rot_k[0].transpose(0, 1)
    spread = lambda x, n: x[:, None].expand(-1, n, -1)
    grouped = q.shape[1] != k.shape[1]
    return {
        "hook_resid_pre": resid_pre,
        **({} if grouped else {"hook_attn_in": spread(resid_pre, q.shape[1])}),
        "hook_q_input": spread(resid_pre, q.shape[1]),
        "hook_k_input": spread(resid_pre, k.shape[1]),
        "hook_v_input": spread(resid_pre, v.shape[1]),
        **norm("ln1", layer.input_layernorm, resid_pre),
        "attn.hook_q": q, "attn.hook_k": k, "attn.hook_v": v,
        "attn.hook_rot_q": rot_q, "attn.hook_rot_k": rot_k,
        "attn.hook_attn_scores": scores(rot_q, rot_k, attn.scaling),
        "attn.hook_z": z,
        "attn.hook_result": torch.einsum("phd,mhd->phm", z, w_o),
        "hook_attn_out": out_of(f"{at}.self_attn"),
        "hook_resid_mid": resid_mid,
        "hook_mlp_in": resid_mid,
        **norm("ln2", layer.post_attention_layernorm, resid_mid),
        "mlp.hook_pre": out_of(f"{at}.mlp.gate_proj"),
        "mlp.hook_pre_linear": out_of(f"{at}.mlp.up_proj"),
        "mlp.hook_post": into(f"{at}.mlp.down_proj"),
        "hook_mlp_out": out_of(f"{at}.mlp"),
        "hook_resid_post": out_of(at),
    }


def norm(name, module, x):
    scale = (x.pow(2).mean(-1, keepdim=True) + module.variance_epsilon).sqrt()
    return {f"{name}.hook_scale": scale, f"{name}.hook_normalized": x / scale}


def scores(q, k, scaling):
    k = k.repeat_interleave(q.shape[1] // k.shape[1], dim=1)
    all_pairs = torch.einsum("qhd,khd->hqk", q, k) * scaling
    future = torch.ones(all_pairs.shape[-2:], dtype=torch.bool).triu(1)
    return all_pairs.masked_fill(future, -torch.inf)


def check_pattern(hooks):
    """The scores computed here are the ones the model's own attention came from."""
    pattern = hooks["attn.hook_attn_scores"].softmax(-1)
    torch.testing.assert_close(pattern, hooks["attn.hook_pattern"], atol=1e-5, rtol=0)
