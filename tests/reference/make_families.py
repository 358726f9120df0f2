"""Writes a tiny random checkpoint of each transformer family under `families/`, and what it must compute.

    python make_families.py [NAME ...]

Each folder is a checkpoint as `save_pretrained` writes it. README.md says what else lies in it.
"""

import json
import sys
import zlib
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, T5ForConditionalGeneration
from transformers.utils import logging

import family_encoders
import family_falcon
import family_hooks
import family_t5
import family_text
import family_tl
import family_v4
from family_cases import CASES, VOCAB
from family_encoders import ENCODERS
from family_hooks import Shape
from make_tiny import distance, save

HERE = Path(__file__).parent
FAMILIES = HERE / "families"


def main(names):
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for name, case in CASES.items():
        if not names or name in names:
            decoder(name, case, seed_of(name))
    for name, case in ENCODERS.items():
        if not names or name in names:
            encoder(name, case, seed_of(name))
    for name, settings in family_t5.CASES.items():
        if not names or name in names:
            encoder_decoder(name, settings, seed_of(name))
    for name, checkpoint in family_text.PADDED.items():
        if not names or f"padding/{name}" in names:
            (FAMILIES / "padding").mkdir(exist_ok=True)
            hf = family_text.load(HERE / checkpoint)
            pad = family_text.padded_source if hf.config.is_encoder_decoder else family_text.padded
            save(pad(hf, seed_of(name)), FAMILIES / "padding" / f"{name}.safetensors")
    for folder in family_text.GENERATED:
        if not names or folder in names:
            found = family_text.generated(family_text.load(HERE / folder), seed_of(folder))
            save(found, HERE / folder / "generate.safetensors")
            print(f"{folder:24}", *(f"{name} {ids.tolist()}" for name, ids in found.items()))


def seed_of(name):
    """A case keeps its numbers when others are added."""
    return zlib.crc32(name.encode())


def decoder(name, case, seed):
    hf = AutoModelForCausalLM.from_config(case.config(), attn_implementation="eager").eval()
    randomise(hf, seed)
    folder = FAMILIES / name
    write_checkpoint(hf, folder)
    twice = getattr(hf.config, "alibi", False)
    if twice:
        family_falcon.add_alibi_once()
    tokens = torch.randint(2, VOCAB, (case.tokens,), generator=torch.Generator().manual_seed(seed)).tolist()
    truth = hugging_face(hf, tokens)
    sites = family_hooks.record(hf, case.names, shape_of(hf, case), tokens)
    family_v4.check(hf, write_older_config(folder), tokens, truth["logits"])
    again = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    assert distance(again(truth["tokens"][None]).logits[0].detach(), truth["logits"]) < 1e-5, "not what was written"
    if twice:
        family_falcon.check(folder, tokens, truth["logits"])
    words = ["Hugging Face alone"]
    if case.tl is not None:
        theirs = family_tl.record(hf, shape_of(hf, case), case.tl, tokens)
        sites, words = merge(theirs, sites | {"logits": truth["logits"]}, case.theirs_wrong)
    save(as_float(truth | {key: value for key, value in sites.items() if key not in truth}),
         folder / "expected.safetensors")
    report(name, folder, len(sites), words)


def encoder(name, case, seed):
    hf = family_encoders.build(case)
    randomise(hf, seed)
    folder = FAMILIES / name
    write_checkpoint(hf, folder)
    given = family_encoders.inputs(case, seed)
    found = family_encoders.truth(hf, case, given)
    words = ["Hugging Face alone"]
    if case.tl:
        theirs = family_encoders.transformer_lens(hf, given)
        compared, worst = family_encoders.agree(theirs, found)
        words = [f"{len(theirs)} from TransformerLens, {compared} compared, {worst:.0e} apart"]
        save(as_float(theirs), folder / "expected_tl.safetensors")
    save(as_float(found), folder / "expected.safetensors")
    report(name, folder, len(found), words)


def encoder_decoder(name, settings, seed):
    hf = family_t5.build(settings)
    randomise(hf, seed)
    folder = FAMILIES / name
    write_checkpoint(hf, folder)
    given = family_t5.inputs(seed)
    found = family_t5.record(hf, given)
    older = AutoConfig.for_model(**write_older_config(folder))
    for config in (hf.config, older):
        again = T5ForConditionalGeneration.from_pretrained(folder, config=config, attn_implementation="eager")
        assert distance(again(**given).logits[0].detach(), found["logits"]) < 1e-5, "not what was written"
    words = ["Hugging Face alone"]
    if not hf.config.is_gated_act:
        theirs, logits = family_t5.transformer_lens(hf, given)
        compared = {key: distance(value, found[key]) for key, value in theirs.items() if key in found}
        assert max(compared.values()) < 1e-4, compared
        assert distance(logits, found["logits"]) > 1, "the decoder was repaired: keep its hooks"
        words = [f"{len(theirs)} from TransformerLens, {len(compared)} compared, {max(compared.values()):.0e} apart"]
        found = theirs | found
    save(as_float(found), folder / "expected.safetensors")
    report(name, folder, len(found), words)


def report(name, folder, count, words):
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name:24} {count:3} tensors {size // 1024:4} KiB", *words)


def write_checkpoint(hf, folder):
    hf.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def write_older_config(folder):
    older = family_v4.as_transformers_4(json.loads((folder / "config.json").read_text()))
    (folder / "config.v4.json").write_text(json.dumps(older, indent=2) + "\n")
    return older


@torch.no_grad()
def hugging_face(hf, tokens):
    """What the model itself says, without the batch axis."""
    out = hf(torch.tensor([tokens]), output_hidden_states=True, output_attentions=True)
    states = {f"hf.hidden_states.{i}": state[0] for i, state in enumerate(out.hidden_states)}
    patterns = {f"hf.attentions.{l}": pattern[0] for l, pattern in enumerate(out.attentions)}
    return states | patterns | {"tokens": torch.tensor(tokens), "logits": out.logits[0]}


def merge(theirs, ours, wrong):
    """TransformerLens's hooks, where they agree with Hugging Face's; those of Hugging Face where they do not."""
    apart = {name: distance(theirs[name], value) for name, value in ours.items()
             if name in theirs and theirs[name].shape == value.shape}
    other_shape = [name for name, value in ours.items() if name in theirs and theirs[name].shape != value.shape]
    differing = {name for name, worst in apart.items() if worst > 1e-4} | set(other_shape)
    unexpected = {name for name in differing if not name.endswith(wrong)} if wrong else differing
    assert not unexpected, {name: apart.get(name, (theirs[name].shape, ours[name].shape)) for name in unexpected}
    kept = {name: value for name, value in theirs.items() if not (wrong and name.endswith(wrong))}
    worst = max(value for name, value in apart.items() if name not in differing)
    return ours | kept, [f"{len(theirs)} from TransformerLens, {len(apart)} compared, {worst:.0e} apart",
                         *(f"{len(differing)} replaced" for _ in [0] if differing)]


def shape_of(hf, case):
    c = hf.config
    heads = c.num_attention_heads
    d_head = getattr(c, "head_dim", None) or c.hidden_size // heads
    kv_heads = getattr(c, "num_key_value_heads", None) or getattr(c, "num_kv_heads", None) or heads
    if getattr(c, "multi_query", False) and not getattr(c, "new_decoder_architecture", False):
        kv_heads = 1
    return Shape(heads, kv_heads, d_head)


@torch.no_grad()
def randomise(model, seed):
    """Fresh norms are 1 (Gemma's 0) and fresh biases 0, which would hide mistakes: every parameter gets noise."""
    torch.manual_seed(seed)
    gemma = model.config.model_type.startswith("gemma")
    for name, parameter in model.named_parameters():
        is_norm = parameter.ndim == 1 and name.endswith("weight") and not gemma
        parameter.copy_(float(is_norm) + 0.3 * torch.randn(parameter.shape))


def as_float(tensors):
    return {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
