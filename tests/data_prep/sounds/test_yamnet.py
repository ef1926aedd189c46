"""YAMNet: the projection of its inner vector to 128 numbers, its windows, and its model file."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from data_prep.download import remote
from data_prep.errors import DataError, InputError
from data_prep.sounds import model_file
from data_prep.sounds.model_file import get_model
from data_prep.sounds.yamnet import DIM, HOP, WINDOW, Yamnet, hadamard, project


def slow_hadamard(n):
    return np.array([[(-1) ** (i & j).bit_count() for j in range(n)] for i in range(n)]) / np.sqrt(n)


def test_the_hadamard_transform_equals_multiplication_by_its_matrix():
    X = np.random.default_rng(1).standard_normal((5, 64))
    np.testing.assert_allclose(hadamard(X), X @ slow_hadamard(64), atol=1e-12)


def test_the_projection_preserves_angles_between_square_roots():
    rng = np.random.default_rng(2)
    inner = rng.exponential(1, (40, 1024)) * (rng.random((40, 1024)) < 0.15)
    roots, features = np.sqrt(inner), project(inner)
    cosines = [(V @ V.T) / np.outer(*2 * [np.linalg.norm(V, axis=1)]) for V in (roots, features.astype(float))]
    error = (cosines[0] - cosines[1])[np.triu_indices(40, 1)]
    assert features.shape == (40, DIM)
    assert np.abs(error).std() < 1 / np.sqrt(DIM)  # what a random projection to 128 dimensions is off by


def test_the_windows_cover_a_clip_from_its_first_to_its_last_sample(yamnet_here):
    yamnet = Yamnet(get_model())
    noise = np.random.default_rng(3).standard_normal(WINDOW + 2 * HOP).astype(np.float32) * 0.1
    assert yamnet.run(noise).n_frames == 3
    assert yamnet.run(noise[: WINDOW + HOP + HOP // 2 + 1]).n_frames == 3
    assert yamnet.run(noise[:100]).n_frames == 1


def test_the_output_for_a_clip_does_not_depend_on_earlier_clips(yamnet_here):
    yamnet = Yamnet(get_model())
    one, two = np.random.default_rng(4).standard_normal((2, WINDOW)).astype(np.float32) * 0.1
    before = yamnet.run(one)
    yamnet.run(two)
    np.testing.assert_array_equal(yamnet.run(one).feature, before.feature)


def test_threads_that_share_the_model_get_the_outputs_of_their_own_clips(yamnet_here):
    yamnet = Yamnet(get_model())
    clips = np.random.default_rng(5).standard_normal((40, WINDOW)).astype(np.float32) * 0.1
    alone = [yamnet.run(clip).feature for clip in clips]
    with ThreadPoolExecutor(8) as threads:
        together = [output.feature for output in threads.map(yamnet.run, clips)]
    np.testing.assert_array_equal(together, alone)


def test_silence_scores_as_silence_and_has_a_non_zero_feature(yamnet_here):
    yamnet = Yamnet(get_model())
    output = yamnet.run(np.zeros(16_000, np.float32))
    assert yamnet.names[output.scores.argmax()] == "Silence"
    assert np.linalg.norm(output.feature) > 0


def test_a_file_that_is_not_the_model_is_refused(tmp_path, monkeypatch):
    (tmp_path / model_file.NAME).write_bytes(b"not a model")
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    with pytest.raises(InputError, match=r"sha256 differs; remove it"):
        get_model()


def test_without_model_and_network_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    monkeypatch.setattr(model_file, "ADDRESS", "http://127.0.0.1:9/yamnet.tflite")
    monkeypatch.setattr(remote, "_PAUSES_S", (0,))
    with pytest.raises(DataError, match="go online once, or put the file there") as error:
        get_model()
    assert str(tmp_path) in str(error.value)
