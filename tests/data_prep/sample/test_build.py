"""The embedded sample: its contents, and that the command makes it again."""

import json

import numpy as np
import pytest

from data_prep.audioset.labels import read_labels
from data_prep.dataset import SPLITS, open_dataset, verify_dataset
from data_prep.errors import InputError
from data_prep.sample import MAX_CLIPS
from data_prep.sample.build import LABELS, make_batch, plan_clip, write_sample
from data_prep.sample.synth import KINDS

ONE_STEP = 4 / 255 + 1e-6  # of the quantiser: on another machine a value may be rounded to the next step


@pytest.fixture(scope="session")
def sample(root):
    return open_dataset(root / "data" / "sample")


@pytest.fixture(scope="session")
def every_clip(sample):
    """Return {clip_id: (split, row)}."""
    ids = {split: sample.clips(split)["clip_id"].to_pylist() for split in SPLITS}
    return {clip_id: (split, row) for split in SPLITS for row, clip_id in enumerate(ids[split])}


def test_the_embedded_sample_passes_verification(sample):
    assert verify_dataset(sample.path) == []


def test_the_embedded_sample_is_small_enough_to_commit(sample):
    assert sum(path.stat().st_size for path in sample.path.iterdir()) <= 12_000_000


def test_the_embedded_sample_states_its_source_and_licence(sample):
    assert sample.media == "synth"
    assert sample.dim == 128
    assert "synthe" in sample.title
    assert "Synthetic" in sample.source
    assert "python -m data_prep sample" in sample.source
    assert sample.licence == "CC0-1.0"


def test_the_sample_has_enough_clips_kinds_and_queries(sample, every_clip):
    assert len(every_clip) >= 19_000
    assert min(sample.n_rows("validation"), sample.n_rows("test")) >= 1000
    kinds = {clip_id.rsplit("-", 1)[0] for clip_id, (split, _) in every_clip.items() if split == "train"}
    assert kinds == set(KINDS)
    assert len(kinds) >= 40


def test_every_clip_has_one_to_four_labels_of_each_of_its_kinds_and_every_label_has_clips(sample):
    for split in SPLITS:
        offsets, _ = sample.label_sets(split)
        counts = np.diff(offsets)
        assert counts.min() >= 1
        assert counts.max() <= 2 * 4
    assert (sample.label_counts("train") > 0).all()


def test_labels_are_audiosets_own(sample, real_data):
    audioset = real_data / "audioset"
    published = {x.mid: x for x in read_labels(audioset / "class_labels_indices.csv", audioset / "ontology.json")}
    for mid, name, parents in zip(sample.label_mids, sample.label_names, sample.label_parents, strict=True):
        assert published[mid].name == name
        assert sorted(published[mid].parents) == sorted(parents)


def test_the_label_table_is_the_set_of_labels_that_kinds_have():
    names = [label.name for label in LABELS]
    assert len(set(names)) == len(names)
    used = {name for kind in KINDS.values() for name in kind.labels + kind.optional_labels}
    assert used == set(names)


def test_the_plans_of_clips_equal_the_committed_sample(sample, every_clip):
    for number in range(0, len(every_clip), 97):
        planned = plan_clip(number)
        clip = sample.find_clip(planned.clip_id)
        assert clip is not None
        assert (clip.split, clip.media, clip.labels) == (planned.split, planned.recipe.to_json(), planned.labels)
        assert json.loads(clip.media)["seed"] == number


def test_clips_rendered_again_have_the_committed_features(sample, every_clip):
    """One clip of each kind is rendered."""
    chosen = {clip_id.rsplit("-", 1)[0]: int(clip_id.rsplit("-", 1)[1]) for clip_id in sorted(every_clip)}
    batch = make_batch(chosen.values())
    for clip_id, feature in zip(batch.clip_id, batch.features, strict=True):
        split, row = every_clip[clip_id]
        np.testing.assert_allclose(feature, sample.features(split)[row], atol=ONE_STEP, err_msg=clip_id)


def test_a_smaller_sample_is_the_beginning_of_the_whole_one(tmp_path, every_clip, sample):
    write_sample(tmp_path / "small", 40)
    assert verify_dataset(tmp_path / "small") == []
    small = open_dataset(tmp_path / "small")
    assert sum(small.n_rows(split) for split in SPLITS) == 40
    for split in SPLITS:
        for row, clip_id in enumerate(small.clips(split)["clip_id"].to_pylist()):
            assert every_clip[clip_id][0] == split
            np.testing.assert_allclose(
                small.features(split)[row], sample.features(split)[every_clip[clip_id][1]], atol=ONE_STEP
            )


@pytest.mark.parametrize("clips", [0, -1, MAX_CLIPS + 1])
def test_an_invalid_number_of_clips_is_refused_and_nothing_is_written(tmp_path, clips):
    with pytest.raises(InputError, match="expected 1 to 100,000"):
        write_sample(tmp_path / "none", clips)
    assert list(tmp_path.iterdir()) == []


def test_neighbours_in_the_sample_are_neither_trivial_nor_random(sample):
    """Most neighbours share a label with the query, but not all: else a search would not be worth showing."""
    train, test = (np.array(sample.features(split)) for split in ("train", "test"))
    train, test = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (train, test))
    nearest = np.argpartition(-test @ train.T, 10, axis=1)[:, :10]
    carries = [np.zeros((sample.n_rows(split), len(LABELS)), bool) for split in ("train", "test")]
    for table, split in zip(carries, ("train", "test"), strict=True):
        offsets, values = sample.label_sets(split)
        table[np.repeat(np.arange(len(table)), np.diff(offsets)), values] = True
    shared = (carries[1][:, None, :] & carries[0][nearest]).any(axis=2).mean()
    assert 0.60 <= shared <= 0.85
