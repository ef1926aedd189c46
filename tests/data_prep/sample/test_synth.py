"""The synthesiser: every kind, recipes and WAV files."""

import io
import json
import subprocess
import sys
import wave

import numpy as np
import pytest

from data_prep.errors import InputError
from data_prep.sample.synth import CLIP_SECONDS, KINDS, N_SAMPLES, SAMPLE_RATE, Recipe, render, wav_bytes


def recipe(*kinds, seed=0):
    return Recipe(kinds, seed).to_json()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_renders_a_valid_clip(kind):
    clip = render(recipe(kind, seed=1))
    assert clip.dtype == np.float32
    assert clip.shape == (N_SAMPLES,) == (round(CLIP_SECONDS * SAMPLE_RATE),)
    assert np.isfinite(clip).all()
    assert np.abs(clip).max() <= 1
    rms = clip.std()
    assert rms > 1e-3, "silent: more than 60 dB below full scale"
    assert abs(clip.mean()) < 0.01 * rms, "a constant part of more than -40 dB"
    assert clip[0] == 0, "it begins with a click"
    assert clip[-1] == 0, "it ends with a click"


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_of_a_kind_is_a_function_of_its_seed(kind):
    first = render(recipe(kind, seed=1))
    assert np.array_equal(first, render(recipe(kind, seed=1)))
    assert not np.allclose(first, render(recipe(kind, seed=2)), atol=0.01)


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
