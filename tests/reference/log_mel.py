#!/usr/bin/env python3
"""Log-mel spectrograms by Hugging Face's WhisperFeatureExtractor and by openai's formula, for tests/numbers/audio.rs.

usage: log_mel.py OUT.json [JFK.wav]

The sound is made of whole numbers, so that the test makes the same one. `sound` pads it with silence to 30 s, `mel` pads
the spectrogram with zeros as openai's transcribe does, `nothing` pads nothing. Needs torch, transformers and numpy.
"""
import json, sys, wave
import numpy as np, torch
from transformers import WhisperFeatureExtractor


def signal(n):
    """A rising saw of 16,000 samples a second with noise, some of it silent."""
    state, out = 1, []
    for t in range(n):
        state = (state * 1103515245 + 12345) % 2**31
        saw, noise = (t * t // 64) % 2000 - 1000, (state >> 16) % 1001 - 500
        out.append(0 if 9000 <= t < 12000 else 10 * saw + noise)
    return np.array(out, dtype=np.float64) / 40000


def extractor(bins):
    return WhisperFeatureExtractor(feature_size=bins)


def openai(samples, bins, more):
    """openai's log_mel_spectrogram(audio, padding=more), cut to the frames of the sound."""
    filters = torch.from_numpy(extractor(bins).mel_filters.T.astype(np.float32))
    padded = torch.nn.functional.pad(torch.from_numpy(samples), (0, more))
    stft = torch.stft(padded, 400, 160, window=torch.hann_window(400), return_complex=True)
    mel = torch.clamp(filters @ (stft[..., :-1].abs() ** 2), min=1e-10).log10()
    mel = (torch.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0
    return mel[:, : len(samples) // 160]


def case(name, samples, bins, pad):
    if pad == "sound":
        mel = torch.from_numpy(extractor(bins)(samples, sampling_rate=16000, device="cpu").input_features[0])
    else:
        mel = openai(samples, bins, 480000)
        if pad == "mel":
            mel = torch.nn.functional.pad(mel, (0, 3000 - mel.shape[1]))
    flat = mel.flatten().double()
    # A step that shares no factor with the length of a row meets every band and every part of the sound.
    at = list(range(0, flat.numel(), max(1, flat.numel() // 600) * 2 + 1))
    ends = [b * mel.shape[1] + t for b in (0, bins // 2, bins - 1) for t in (0, 1, 147, 148, 149, mel.shape[1] - 2, mel.shape[1] - 1)]
    at = sorted(set(at + ends))
    values = [round(float(flat[i]), 7) for i in at]
    return dict(sound=name, bins=bins, pad=pad, shape=list(mel.shape), mean=round(float(flat.mean()), 7), at=at, values=values)


def main():
    short, full = signal(24000).astype(np.float32), signal(480000).astype(np.float32)
    cases = [case("short", short, bins, pad) for bins in (80, 128) for pad in ("sound", "mel", "nothing")]
    cases += [case("full", full, 80, pad) for pad in ("sound", "nothing")]
    if len(sys.argv) > 2:
        with wave.open(sys.argv[2]) as file:
            jfk = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
        cases += [case("jfk", jfk, bins, pad) for bins in (80, 128) for pad in ("sound", "mel")]
    import transformers
    made_with = dict(torch=torch.__version__, transformers=transformers.__version__)
    lines = ",\n".join(json.dumps(one) for one in cases)
    open(sys.argv[1], "w").write('{"made_with": ' + json.dumps(made_with) + ', "cases": [\n' + lines + "\n]}\n")


main()
