"""Where each decoder family keeps its parts, and how it packs query, key and value into one projection."""

from dataclasses import replace

from family_hooks import Names


def interleaved(qkv, shape):
    """For each head its query, key and value, one after another (GPT-NeoX, BLOOM)."""
    return qkv.view(-1, shape.heads, 3, shape.d_head).unbind(2)


def stacked(qkv, shape):
    """All queries, all keys, all values (GPT-2, Phi-3, one key head in GPT-BigCode)."""
    return qkv.split([n * shape.d_head for n in (shape.heads, shape.kv_heads, shape.kv_heads)], dim=-1)


def grouped(qkv, shape):
    """For each key head its queries, its key and its value (Falcon)."""
    groups = qkv.view(qkv.shape[0], shape.kv_heads, -1, shape.d_head)
    return groups[:, :, :-2].reshape(qkv.shape[0], -1), groups[:, :, -2], groups[:, :, -1]


LLAMA = Names()
EXPERTS = Names(pre=None, linear=None, mlp="mlp")
GEMMA2 = Names(ln1_post="post_attention_layernorm", ln2="pre_feedforward_layernorm",
               ln2_post="post_feedforward_layernorm")
OLMO2 = Names(ln1=None, ln2=None, ln1_post="post_attention_layernorm", ln2_post="post_feedforward_layernorm")
GPT2 = Names("transformer.h", "transformer.ln_f", "ln_1", "ln_2", qkv="attn.c_attn", split=stacked, o="attn.c_proj",
             pre="mlp.c_fc", linear=None, down="mlp.c_proj", embed="transformer.wte", pos_embed="transformer.wpe",
             rotary=False)
NEO = Names("transformer.h", "transformer.ln_f", "ln_1", "ln_2", *(f"attn.attention.{x}_proj" for x in "qkv"),
            o="attn.attention.out_proj", pre="mlp.c_fc", linear=None, down="mlp.c_proj", embed="transformer.wte",
            pos_embed="transformer.wpe", rotary=False)
GPTJ = Names("transformer.h", "transformer.ln_f", "ln_1", None, *(f"attn.{x}_proj" for x in "qkv"), o="attn.out_proj",
             pre="mlp.fc_in", linear=None, down="mlp.fc_out", parallel=True)
DENSE = dict(pre="mlp.dense_h_to_4h", linear=None, down="mlp.dense_4h_to_h")
NEOX = Names("gpt_neox.layers", "gpt_neox.final_layer_norm", qkv="attention.query_key_value", split=interleaved,
             o="attention.dense", **DENSE)
BLOOM = Names("transformer.h", "transformer.ln_f", qkv="self_attention.query_key_value", split=interleaved,
              o="self_attention.dense", **DENSE, rotary=False)
FALCON = replace(BLOOM, rotary=True, split=grouped, ln2=None, parallel=True)
OPT = Names("model.decoder.layers", "model.decoder.final_layer_norm", ln1="self_attn_layer_norm",
           ln2="final_layer_norm", o="self_attn.out_proj", pre="fc1", linear=None, down="fc2",
           embed="model.decoder.embed_tokens", pos_embed="model.decoder.embed_positions",
           rotary=False)
PHI = Names(final="model.final_layernorm", ln2=None, o="self_attn.dense", pre="mlp.fc1", linear=None, down="mlp.fc2",
            parallel=True)
COHERE = Names(ln2=None, parallel=True)
STARCODER2 = Names(pre="mlp.c_fc", linear=None, down="mlp.c_proj")
PHI3 = Names(qkv="self_attn.qkv_proj", split=stacked, pre=None, linear=None, gate_up="mlp.gate_up_proj")
