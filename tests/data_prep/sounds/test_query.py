"""Queries from sounds: by the dataset's own embedder, and by label centroids for AudioSet."""

import io
import itertools

import numpy as np
import pytest
import soundfile

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from data_prep.errors import InputError
from data_prep.sample.synth import SAMPLE_RATE, render, wav_bytes
from data_prep.sounds.folder import prepare_folder
from data_prep.sounds.label_centroids import LabelCentroids
from data_prep.sounds.query import MAX_UPLOAD_BYTES, SoundEmbedder


@pytest.fixture(scope="module")
def sample(root):
    return open_dataset(root / "data" / "sample")


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("row", [0, 100, 700])
def test_a_clip_of_the_sample_played_back_is_nearest_to_itself(sample, row):
    query = SoundEmbedder(sample).embed(wav_bytes(render(sample.clip("train", row).media), SAMPLE_RATE))
    features = np.asarray(sample.features("train"))
    cosines = features @ query.feature / np.linalg.norm(features, axis=1)
    assert int(cosines.argmax()) == row


def test_the_loudness_of_a_recording_does_not_matter(sample):
    audio = render(sample.clip("train", 3).media)
    features = []
    for gain in (1.0, 0.2):
        file = io.BytesIO()
        soundfile.write(file, audio * gain, SAMPLE_RATE, format="WAV", subtype="FLOAT")
        features.append(SoundEmbedder(sample).embed(file.getvalue()).feature)
    assert cosine(*features) > 0.999


def test_a_silent_recording_is_refused_with_advice(sample):
    with pytest.raises(InputError, match=r"is silent.*: record it again"):
        SoundEmbedder(sample).embed(wav_bytes(np.zeros(SAMPLE_RATE), SAMPLE_RATE))


def test_a_long_recording_and_a_large_upload_are_refused(sample):
    with pytest.raises(InputError, match="expected at most 60 s"):
        SoundEmbedder(sample).embed(wav_bytes(np.full(61 * 16_000, 0.1), SAMPLE_RATE))
    with pytest.raises(InputError, match="expected at most 20 MB"):
        SoundEmbedder(sample).embed(bytes(MAX_UPLOAD_BYTES + 1))


def test_a_file_of_a_prepared_folder_finds_itself(write, sounds, tmp_path, yamnet_here):
    files = [write(f"{hertz}.wav", hertz=hertz) for hertz in (200, 900, 3000)]
    prepare_folder(sounds, tmp_path / "made")
    dataset = open_dataset(tmp_path / "made")
    query = SoundEmbedder(dataset).embed(files[1].read_bytes())
    row = next(row for row in range(3) if dataset.clip("train", row).media == "900.wav")
    np.testing.assert_array_equal(query.feature, dataset.features("train")[row])
    assert len(query.labels) == 5


def slow_pull(X, label_rows, n):
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    mean = unit.mean(axis=0)
    covariance = np.cov(unit.T, bias=True) + 1e-4 * np.eye(X.shape[1])
    place = np.mean([unit[row] for row in label_rows], axis=0) - mean
    return mean, np.linalg.inv(covariance) @ place * np.log(n / len(label_rows))


def test_label_centroids_are_weighted_by_fishers_discriminant(tmp_path):
    rng = np.random.default_rng(6)
    n, labels = 60, [Label("/m/a", "Bell"), Label("/m/b", "Rain"), Label("/m/c", "Never here")]
    sets = [[int(i % 3 == 0)] if i % 2 else [0, 1] for i in range(n)]
    clips = ClipBatch(
        clip_id=[f"c{i}" for i in range(n)],
        split=["train"] * n,
        media=[f"video-{i:05d}" for i in range(n)],
        start_s=np.zeros(n),
        end_s=np.ones(n),
        labels=sets,
        n_frames=np.ones(n, int),
        features=rng.standard_normal((n, 5)).astype(np.float32),
    )
    write_dataset(tmp_path / "made", About("T", "s", "l", "youtube"), labels, [clips])
    dataset = open_dataset(tmp_path / "made")
    centroids = LabelCentroids.from_dataset(dataset, ["Rain", "Unknown", "Never here"])
    offsets, values = dataset.label_sets("train")
    rows = [i for i in range(n) if 1 in values[offsets[i] : offsets[i + 1]]]
    mean, pull = slow_pull(np.asarray(dataset.features("train"), float), rows, n)
    feature = centroids.query(np.array([0.7, 1.0, 1.0], np.float32))
    np.testing.assert_allclose(feature, mean + pull / np.linalg.norm(pull), rtol=1e-4, atol=1e-5)


def test_a_dataset_with_none_of_yamnets_labels_is_refused(tmp_path):
    clips = ClipBatch(["a"], ["train"], ["video"], [0.0], [1.0], [[0]], [1], np.ones((1, 4), np.float32))
    write_dataset(tmp_path / "made", About("T", "s", "l", "youtube"), [Label("/m/x", "Xyz")], [clips])
    with pytest.raises(InputError, match="none of the labels that YAMNet scores"):
        LabelCentroids.from_dataset(open_dataset(tmp_path / "made"), ["Dog"])


def test_label_centroids_find_the_labels_of_real_recordings_far_above_chance(real_data, real_dataset, yamnet_here):
    dataset = open_dataset(real_dataset)
    embedder, features = SoundEmbedder(dataset), np.asarray(dataset.features("train"))
    lengths = np.linalg.norm(features, axis=1)
    kinds = {"dog_bark": "Dog", "rain": "Rain", "chainsaw": "Chainsaw", "rooster": "Chicken, rooster"}
    hits, chance = [], []
    for kind, name in kinds.items():
        rows = dataset.rows_with_label("train", dataset.label_names.index(name))
        chance.append(len(rows) / len(features))
        for path in itertools.islice(sorted((real_data / "sounds" / "esc10" / kind).iterdir()), 10):
            cosines = features @ embedder.embed(path.read_bytes()).feature / lengths
            hits.append(np.isin(np.argsort(-cosines)[:10], rows).mean())
    assert np.mean(hits) > 20 * np.mean(chance)
