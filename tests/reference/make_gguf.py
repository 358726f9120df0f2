"""Writes tiny GGUF files with llama.cpp's own converter, one for each architecture, and what they must compute.

    python make_gguf.py LLAMA_CPP [NAME ...]

LLAMA_CPP is the folder of llama.cpp that holds `convert_hf_to_gguf.py`; llama-cpp-python's source distribution (version
0.3.36 was used) has it as `vendor/llama.cpp`. Each model is one of `family_cases.py` with noise for weights, changed
where GGUF has no word for a setting: what the file cannot say must have the value that every reader of it assumes. The
logits are those of Hugging Face's model before it is converted. No tokenizer is written.
"""

import json
import logging
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from transformers import (AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, BertConfig,
                          DistilBertConfig, RobertaConfig, T5Config)

from family_cases import CASES, GLOBAL, GPT2_SIZE, IDS, LOCAL, VOCAB, llama, plain, rope
from make_families import randomise, seed_of
from make_tiny import save

HERE = Path(__file__).parent
FOLDER = HERE / "gguf"
PLAIN_ROPE = 10000.0  # what is assumed where the converter writes no base


def case(name, **settings):
    found = CASES[name]
    return replace(found, settings=found.settings | settings).config()


def other(model_type, **settings):
    return AutoConfig.for_model(model_type, **IDS | settings)


ENCODER = dict(vocab_size=VOCAB, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=20,
               max_position_embeddings=24, layer_norm_eps=2e-3)
T5_SIZE = dict(vocab_size=VOCAB, d_model=16, d_kv=6, d_ff=20, num_layers=2, num_decoder_layers=2, num_heads=4,
               layer_norm_epsilon=2e-3, relative_attention_num_buckets=8, decoder_start_token_id=0)
LLAMA3 = {"rope_type": "llama3", "rope_theta": 1e6, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}
TWO_BASES = {LOCAL: {"rope_type": "default", "rope_theta": 300.0},
             GLOBAL: {"rope_type": "linear", "factor": 8.0, "rope_theta": 2000.0}}

DECODERS = {
    "llama": other("llama", **llama() | rope(300.0)),
    "llama3": other("llama", **plain(attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
                    rope_parameters=LLAMA3),
    "mixtral": case("mixtral"),
    "qwen2": case("qwen2"),
    "qwen3": case("qwen3"),
    "qwen3_moe": case("qwen3_moe"),
    "smollm3": case("smollm3", num_hidden_layers=4, no_rope_layers=None),
    "granite": case("granite"),
    "olmo": case("olmo-clip"),
    "olmo2": case("olmo2"),
    "olmoe": case("olmoe", rms_norm_eps=1e-5),
    "cohere": case("cohere-qk-norm"),
    "phi3": case("phi3-longrope-long"),
    "stablelm": case("stablelm", **rope(PLAIN_ROPE, partial_rotary_factor=0.5)),
    "gemma": case("gemma", **rope(PLAIN_ROPE)),
    "gemma2": case("gemma2", query_pre_attn_scalar=6, **rope(PLAIN_ROPE)),
    "gemma3": case("gemma3_text", num_hidden_layers=6, sliding_window_pattern=6, query_pre_attn_scalar=6,
                   rope_parameters=TWO_BASES),
    "gpt2": other("gpt2", **GPT2_SIZE, n_inner=40),
    "gpt_bigcode": case("gpt_bigcode"),
    "gpt_bigcode-multi-head": case("gpt_bigcode-multi-head", n_inner=20),
    "starcoder2": case("starcoder2", sliding_window=None),
    "gpt_neox": case("gpt_neox-sequential", hidden_act="gelu",
                     **rope(PLAIN_ROPE, partial_rotary_factor=0.67)),
    "phi": case("phi", **rope(PLAIN_ROPE, partial_rotary_factor=0.5)),
    "bloom": case("bloom"),
    "falcon": case("falcon", num_kv_heads=1, **rope(PLAIN_ROPE)),
    "falcon-new": case("falcon-new", **rope(PLAIN_ROPE)),
    "falcon-new-one-norm": case("falcon-new-one-norm", **rope(PLAIN_ROPE)),
}
ENCODERS = {
    "bert": BertConfig(**ENCODER),
    "roberta": RobertaConfig(**ENCODER, type_vocab_size=1, pad_token_id=1),
    "distilbert": DistilBertConfig(vocab_size=VOCAB, dim=24, hidden_dim=20, n_layers=2, n_heads=4,
                                   max_position_embeddings=24),
}
BOTH = {
    "t5": T5Config(**T5_SIZE),
    "t5-gated": T5Config(**T5_SIZE, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
}


def main(llama_cpp, names):
    sys.path[:0] = [str(Path(llama_cpp) / "gguf-py"), str(llama_cpp)]
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    logging.disable(logging.WARNING)
    FOLDER.mkdir(exist_ok=True)
    expected = {}
    for kind, cases in ((AutoModelForCausalLM, DECODERS), (AutoModel, ENCODERS), (AutoModelForSeq2SeqLM, BOTH)):
        for name, config in cases.items():
            model = kind.from_config(config, attn_implementation="eager").eval()
            if getattr(config, "scale_decoder_outputs", True) is False:
                model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())  # a head of its own
            randomise(model, seed_of(name))
            expected |= {f"{name}.{key}": value for key, value in run(model, seed_of(name)).items()}
            if not names or name in names:
                convert(model, FOLDER / f"{name}.gguf")
                print(f"{name:24}{(FOLDER / name).with_suffix('.gguf').stat().st_size:8}")
    save(expected, FOLDER / "expected.safetensors")


@torch.no_grad()
def run(model, seed):
    """What the model gives for 12 tokens, without the batch axis."""
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randint(2, VOCAB, (12,), generator=draw)
    inputs = dict(input_ids=tokens[None])
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.cat([torch.tensor([0]), torch.randint(2, VOCAB, (7,), generator=draw)])[None]
    out = model(**inputs)
    given = out.logits if "logits" in out else out.last_hidden_state
    return {key: value[0] for key, value in inputs.items()} | {"output": given[0]}


def convert(model, path):
    import gguf
    from conversion import ModelBase, ModelType, get_model_class
    from conversion.base import get_model_architecture

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        model.save_pretrained(folder)
        # The converter counts these to cut off rows of the embedding.
        tokenizer = {"model": {"vocab": {str(i): i for i in range(VOCAB)}}, "added_tokens": []}
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
        settings = ModelBase.load_hparams(folder, False) | older(model.config)
        known = get_model_class(get_model_architecture(settings, ModelType.TEXT))
        silent = type(known.__name__, (known,), {"model_arch": known.model_arch, "set_vocab": lambda self: None})
        silent(folder, gguf.LlamaFileType.ALL_F32, path, eager=True, model_name=path.stem, hparams=settings).write()


def older(config):
    """Keys that the converter still reads and transformers 5 no longer writes."""
    if config.model_type == "gpt2":
        return {"n_ctx": config.n_positions}
    if config.model_type == "gpt_neox":
        return {"rotary_pct": config.rope_parameters["partial_rotary_factor"]}
    return {}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
