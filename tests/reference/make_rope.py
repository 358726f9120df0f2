"""The angles of each rotary scaling, as Hugging Face transformers computes them for a Llama of 12 dimensions a head.

Writes rope.json: rope_parameters and max_position_embeddings as in a config.json, and for texts of some lengths the
radians per position of each pair and the factor of cosines and sines.
"""

import json
from pathlib import Path

import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

CASES = {
    "linear": {"factor": 3.0},
    "dynamic": {"factor": 3.0},
    "llama3": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32},
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 32},
    "yarn, factor from lengths": {"original_max_position_embeddings": 16, "factor": None},
    "yarn, untruncated": {
        "factor": 4.0, "original_max_position_embeddings": 64, "beta_fast": 6.0, "beta_slow": 1.5, "truncate": False,
    },
    "yarn, mscale": {"factor": 40.0, "original_max_position_embeddings": 32, "mscale": 0.9, "mscale_all_dim": 0.5},
    "yarn, attention_factor": {"factor": 4.0, "original_max_position_embeddings": 32, "attention_factor": 0.8},
    "longrope": {
        "original_max_position_embeddings": 32,
        "short_factor": [1.0, 1.1, 1.2, 1.5, 1.9, 2.5],
        "long_factor": [1.5, 2.0, 3.0, 5.0, 7.0, 9.0],
    },
    "longrope, factor": {
        "original_max_position_embeddings": 32, "factor": 7.0,
        "short_factor": [1.0, 1.1, 1.2, 1.5, 1.9, 2.5],
        "long_factor": [1.5, 2.0, 3.0, 5.0, 7.0, 9.0],
    },
}


def case(name, parameters):
    parameters = {"rope_type": name.split(",")[0], "rope_theta": 500.0, **parameters}
    config = LlamaConfig(
        hidden_size=48, num_attention_heads=4, head_dim=12, max_position_embeddings=128, rope_parameters=dict(parameters)
    )
    rotary = LlamaRotaryEmbedding(config)
    lengths = {}
    for length in (8, 32, 33, 128):
        rotary(torch.zeros(1), torch.arange(length)[None])
        lengths[length] = rotary.inv_freq.tolist()
    return {
        "name": name,
        "rope_parameters": parameters,
        "max_position_embeddings": 128,
        "frequencies": lengths,
        "attention_factor": float(rotary.attention_scaling),
    }


if __name__ == "__main__":
    cases = [case(name, parameters) for name, parameters in CASES.items()]
    Path(__file__).with_name("rope.json").write_text(json.dumps(cases, indent=1) + "\n")
