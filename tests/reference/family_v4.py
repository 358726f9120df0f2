"""The same configurations as transformers 4 wrote them, which is how most published checkpoints have them."""

import torch
from transformers import AutoConfig

NAMES = {"gpt_neox": {"rope_theta": "rotary_emb_base", "partial_rotary_factor": "rotary_pct"}}
LOCAL, GLOBAL = "sliding_attention", "full_attention"


def as_transformers_4(config):
    """`rope_parameters` taken apart, `dtype` under its older name, and no key that did not exist."""
    new = ("rope_parameters", "dtype", "layer_types", "_sliding_window_pattern")
    older = {key: value for key, value in config.items() if key not in new}
    older |= {"torch_dtype": config["dtype"], "transformers_version": "4.51.0"}
    if config["tie_word_embeddings"] and AutoConfig.for_model(config["model_type"]).tie_word_embeddings:
        del older["tie_word_embeddings"]
    older |= rotation(config["model_type"], config.get("rope_parameters") or {})
    if config["model_type"] == "gemma":
        older |= {"hidden_act": "gelu", "hidden_activation": None}  # the tanh form all the same
    if config["model_type"] == "t5":
        return older_t5(older)
    if config["model_type"] == "qwen3_moe":
        older["num_experts"] = older.pop("num_local_experts")
    return older


def older_t5(config):
    """`tie_word_embeddings` alone said whether the head is its own and the decoder's output unscaled."""
    derived = ("scale_decoder_outputs", "dense_act_fn", "is_gated_act", "classifier_dropout", "is_decoder")
    tied = {} if config["scale_decoder_outputs"] else {"tie_word_embeddings": False}
    return {key: value for key, value in config.items() if key not in derived} | tied


def rotation(model_type, rope):
    if LOCAL in rope:
        return {"rope_local_base_freq": rope[LOCAL]["rope_theta"]} | rotation(model_type, rope[GLOBAL])
    names = NAMES.get(model_type, {})
    keys = {names.get(key, key): rope[key] for key in ("rope_theta", "partial_rotary_factor") if key in rope}
    scaling = {key: value for key, value in rope.items()
               if key not in ("rope_theta", "partial_rotary_factor", "original_max_position_embeddings")}
    kind = scaling.pop("rope_type", "default")
    if not rope or model_type == "gpt_neox":
        return keys
    if kind == "longrope":
        return keys | {"rope_scaling": {"type": kind} | scaling}
    return keys | {"rope_scaling": None if kind == "default" else {"rope_type": kind} | scaling}


@torch.no_grad()
def check(hf, older, tokens, logits):
    """Transformers 5 reads the older configuration as the same model."""
    config = AutoConfig.for_model(**older)
    again = type(hf)._from_config(config, attn_implementation="eager").eval()
    again.load_state_dict(hf.state_dict())
    torch.testing.assert_close(again(torch.tensor([tokens])).logits[0], logits, atol=1e-5, rtol=0)
