"""The synthesiser: every kind, recipes and WAV files."""

import io
import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from data_prep.errors import InputError
from data_prep.sample.synth import CLIP_SECONDS, KINDS, N_SAMPLES, SAMPLE_RATE, Recipe, render, wav_bytes

RECORDED = Path(__file__).with_name("recorded_signals.json")
SEEDS_OF = {"cricket": (1, 2, 13)}  # with 13 a group of pulses is longer than the time between groups
AXES = np.random.default_rng(0).standard_normal((4, N_SAMPLES))


def recipe(*kinds, seed=0):
    return Recipe(kinds, seed).to_json()


def equals_recorded(text, clip):
    """Return whether a clip is the recorded one, by four random projections, which change with each of its samples.

    After a change that is meant: EARSHOT_WRITE_SNAPSHOTS=1 python -m pytest -n 0 tests/data_prep/sample/test_synth.py.
    """
    projected = AXES @ clip.astype(float)
    recorded = json.loads(RECORDED.read_text())
    if os.environ.get("EARSHOT_WRITE_SNAPSHOTS") == "1":
        recorded[text] = np.round(projected, 6).tolist()
        lines = (f"{json.dumps(name)}: {values}" for name, values in sorted(recorded.items()))
        RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return np.abs(projected - recorded[text]).max() <= 1e-5 * np.linalg.norm(clip)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_renders_valid_clips_that_are_those_recorded(kind):
    for seed in SEEDS_OF.get(kind, (1, 2, 3)):
        text = recipe(kind, seed=seed)
        clip = render(text)
        assert clip.dtype == np.float32
        assert clip.shape == (N_SAMPLES,) == (round(CLIP_SECONDS * SAMPLE_RATE),)
        assert np.isfinite(clip).all()
        assert np.abs(clip).max() <= 1
        rms = clip.std()
        assert rms > 1e-3, "silent: more than 60 dB below full scale"
        assert abs(clip.mean()) < 0.01 * rms, "a constant part of more than -40 dB"
        assert clip[0] == 0, "it begins with a click"
        assert clip[-1] == 0, "it ends with a click"
        assert equals_recorded(text, clip), seed


@pytest.mark.parametrize("n", [2, 3, 4])
def test_several_kinds_are_mixed_as_it_was_recorded(n):
    text = recipe(*list(KINDS)[:n], seed=n)
    assert equals_recorded(text, render(text))


def test_the_recorded_clips_differ_from_seed_to_seed():
    recorded = np.round(list(json.loads(RECORDED.read_text()).values()), 2)
    assert len(np.unique(recorded, axis=0)) == len(recorded) == 3 * len(KINDS) + 3


def test_a_second_kind_is_mixed_below_the_first():
    both, alone = render(recipe("sine-wave", "white-noise")), render(recipe("sine-wave"))
    loudest_bin = np.abs(np.fft.rfft(alone)).argmax()
    energy_both, energy_alone = (np.abs(np.fft.rfft(clip)) ** 2 for clip in (both, alone))
    assert abs(int(energy_both.argmax()) - int(loudest_bin)) <= 1
    rest = np.abs(np.arange(energy_alone.size) - loudest_bin) > 100
    assert energy_both[rest].sum() / energy_both.sum() > 10 * energy_alone[rest].sum() / energy_alone.sum()


def test_a_clip_is_the_same_in_another_process():
    code = f"from data_prep.sample.synth import render; print(render({recipe('gong', seed=5)!r}).tobytes().hex())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert bytes.fromhex(done.stdout.strip()) == render(recipe("gong", seed=5)).tobytes()


def test_the_synthesiser_imports_no_heavy_library_but_numpy():
    names = ["pyarrow", "pandas", "numba", "tensorflow", "streamlit"]
    code = f"import sys, data_prep.sample.synth; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1, 2]", "does not have exactly the keys kinds and seed"),
        ('{"kinds":["gong"]}', "does not have exactly the keys kinds and seed"),
        ('{"kinds":["gong"],"seed":1,"gain":2}', "does not have exactly the keys kinds and seed"),
        ('{"kinds":"gong","seed":1}', "expected a list of 1 to 4 names"),
        ('{"kinds":[],"seed":1}', "expected a list of 1 to 4 names"),
        ('{"kinds":["gong","gong","gong","gong","gong"],"seed":1}', "expected a list of 1 to 4 names"),
        ('{"kinds":["chruch-bell"],"seed":1}', "did you mean 'church-bell'"),
        ('{"kinds":["xylorimba-zzz"],"seed":1}', "expected one of accordion, "),
        ('{"kinds":[["gong"]],"seed":1}', "unknown kind"),
        ('{"kinds":["gong"],"seed":-1}', "expected a whole number from 0"),
        ('{"kinds":["gong"],"seed":1.5}', "expected a whole number from 0"),
        ('{"kinds":["gong"],"seed":true}', "expected a whole number from 0"),
        ('{"kinds":["gong"],"seed":9223372036854775808}', "expected a whole number from 0"),
    ],
)
def test_an_invalid_recipe_is_refused_with_the_reason(text, message):
    with pytest.raises(InputError) as caught:
        render(text)
    assert message in str(caught.value)


def test_a_recipe_is_json_without_spaces():
    text = recipe("civil-defense-siren", "distorted-guitar", seed=99_999)
    assert json.loads(text) == {"kinds": ["civil-defense-siren", "distorted-guitar"], "seed": 99_999}
    assert " " not in text


def test_a_wav_file_holds_the_clip_to_half_a_step_of_16_bits():
    clip = np.concatenate([render(recipe("gong")), np.array([-1, 1, 0], np.float32)])
    with wave.open(io.BytesIO(wav_bytes(clip, SAMPLE_RATE))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        read = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    np.testing.assert_allclose(read, clip, atol=0.5001 / 32767)
