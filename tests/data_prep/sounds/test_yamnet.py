"""YAMNet's feature: the model's knowledge in 128 numbers, the same alone and in company."""

import numpy as np
import pytest

from data_prep import remote
from data_prep.errors import DataError, InputError
from data_prep.sounds import model
from data_prep.sounds.model import get_model
from data_prep.sounds.yamnet import DIM, HOP, WINDOW, Yamnet, feature_of, hadamard


def slow_hadamard(n):
    return np.array([[(-1) ** (i & j).bit_count() for j in range(n)] for i in range(n)]) / np.sqrt(n)


def test_the_transform_is_the_matrix_of_its_definition():
    X = np.random.default_rng(1).standard_normal((5, 64))
    np.testing.assert_allclose(hadamard(X), X @ slow_hadamard(64), atol=1e-12)


def test_the_feature_keeps_the_angles_between_roots():
    rng = np.random.default_rng(2)
    inner = rng.exponential(1, (40, 1024)) * (rng.random((40, 1024)) < 0.15)
    roots, features = np.sqrt(inner), feature_of(inner)
    cosines = [(V @ V.T) / np.outer(*2 * [np.linalg.norm(V, axis=1)]) for V in (roots, features.astype(float))]
    error = (cosines[0] - cosines[1])[np.triu_indices(40, 1)]
    assert features.shape == (40, DIM)
    assert np.abs(error).std() < 1 / np.sqrt(DIM)  # what a random projection to 128 dimensions is off by


def test_a_clip_is_heard_from_its_first_to_its_last_sample(yamnet_here):
    yamnet = Yamnet(get_model())
    noise = np.random.default_rng(3).standard_normal(WINDOW + 2 * HOP).astype(np.float32) * 0.1
    assert yamnet.hear(noise).n_frames == 3
    assert yamnet.hear(noise[: WINDOW + HOP + HOP // 2 + 1]).n_frames == 3
    assert yamnet.hear(noise[:100]).n_frames == 1


def test_what_is_heard_does_not_depend_on_what_was_heard_before(yamnet_here):
    yamnet = Yamnet(get_model())
    one, two = np.random.default_rng(4).standard_normal((2, WINDOW)).astype(np.float32) * 0.1
    before = yamnet.hear(one)
    yamnet.hear(two)
    np.testing.assert_array_equal(yamnet.hear(one).feature, before.feature)


def test_silence_is_heard_as_silence_and_has_a_direction(yamnet_here):
    yamnet = Yamnet(get_model())
    heard = yamnet.hear(np.zeros(16_000, np.float32))
    assert yamnet.names[heard.scores.argmax()] == "Silence"
    assert np.linalg.norm(heard.feature) > 0


def test_another_file_under_the_models_name_is_refused(tmp_path, monkeypatch):
    (tmp_path / model.NAME).write_bytes(b"not a model")
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    with pytest.raises(InputError, match=r"sha256 differs; remove it"):
        get_model()


def test_without_model_and_network_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    monkeypatch.setattr(model, "ADDRESS", "http://127.0.0.1:9/yamnet.tflite")
    monkeypatch.setattr(remote, "_PAUSES_S", (0,))
    with pytest.raises(DataError, match="go online once, or put the file there") as error:
        get_model()
    assert str(tmp_path) in str(error.value)
