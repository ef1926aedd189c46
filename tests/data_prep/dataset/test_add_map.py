"""Adding a map to a dataset: in one step, and without any other change."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from data_prep.__main__ import main
from data_prep.dataset import SPLITS, open_dataset, revise, verify_dataset
from data_prep.dataset import add_map as mapping
from data_prep.dataset.add_map import add_map
from data_prep.dataset.map_layout import as_coordinates, principal_plane, tsne_layout
from data_prep.dataset.schema import Metric
from data_prep.errors import DatasetError, InputError
from tests.data_prep.small_datasets import write


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write(tmp_path / "in" / "thirty", with_frames=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out by the principal plane: these tests are about the files."""
    monkeypatch.setattr(mapping, "tsne_layout", lambda features, *_: principal_plane(features).project(features))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_map_holds_every_clip_in_the_order_of_the_splits(dataset: Path) -> None:
    assert main(["map", str(dataset)]) == 0
    assert verify_dataset(dataset) == []
    mapped = open_dataset(dataset)
    places = mapped.map()
    assert places is not None
    assert (places.dtype, places.shape) == (np.uint16, (30, 2))
    assert not places.flags.writeable
    made = mapped.manifest["map"]
    assert made["method"] == "t-SNE"
    assert made["library"].startswith("openTSNE ")


@pytest.mark.usefixtures("quick")
def test_where_the_disk_has_no_hard_links_the_files_are_copied(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(revise.os, "link", refuse)
    before = contents(dataset)
    add_map(dataset)
    assert verify_dataset(dataset) == []
    after = contents(dataset)
    assert {name: after[name] for name in before if name != "manifest.json"} == {
        name: data for name, data in before.items() if name != "manifest.json"
    }


@pytest.mark.usefixtures("quick")
def test_rows_follow_train_then_validation_then_test(dataset: Path) -> None:
    before = open_dataset(dataset)
    features = np.concatenate([before.features(split) for split in SPLITS])
    places = add_map(dataset).map()
    assert places is not None
    first = principal_plane(features).project(features)[:, 0]
    np.testing.assert_array_equal(np.argsort(places[:, 0], kind="stable"), np.argsort(first, kind="stable"))


@pytest.mark.usefixtures("quick")
def test_nothing_else_changes_and_nothing_is_left_beside_it(dataset: Path) -> None:
    (dataset / "README").write_text("mine")
    before = contents(dataset)
    assert open_dataset(dataset).map() is None
    add_map(dataset)
    after = contents(dataset)
    assert set(after) == {*before, "map.npy"}
    assert {name for name in before if before[name] != after[name]} == {"manifest.json"}
    assert list(dataset.parent.iterdir()) == [dataset]


@pytest.mark.usefixtures("quick")
def test_a_disk_without_hard_links_holds_copies(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    before = contents(dataset)
    monkeypatch.setattr("data_prep.dataset.revise.os.link", link)
    add_map(dataset)
    assert {name: data for name, data in contents(dataset).items() if name in before and name != "manifest.json"} == {
        name: data for name, data in before.items() if name != "manifest.json"
    }
    assert verify_dataset(dataset) == []


@pytest.mark.usefixtures("quick")
def test_a_reader_that_has_the_old_dataset_open_keeps_it(dataset: Path) -> None:
    reader = open_dataset(dataset)
    was = reader.features("train").copy()
    add_map(dataset)
    np.testing.assert_array_equal(reader.features("train"), was)
    assert reader.clips("test").num_rows == 10


@pytest.mark.usefixtures("quick")
def test_a_new_map_replaces_the_old_one(dataset: Path) -> None:
    first, second = add_map(dataset, seed=1), add_map(dataset, seed=2)
    assert (first.manifest["map"]["seed"], second.manifest["map"]["seed"]) == (1, 2)
    assert verify_dataset(dataset) == []


@pytest.mark.parametrize("failing", ["tsne_layout", "write_file", "open_dataset"])
@pytest.mark.usefixtures("quick")
def test_a_failure_leaves_the_dataset_as_it_was(dataset: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    add_map(dataset, seed=3)
    module = mapping if failing == "tsne_layout" else revise
    before, works = contents(dataset), getattr(module, failing)

    def fail(path: Path, *rest: object) -> object:
        if failing == "open_dataset" and path == dataset:
            return works(path, *rest)
        raise OSError(28, "No space left on device") if failing == "write_file" else InputError("no")

    monkeypatch.setattr(module, failing, fail)
    assert main(["map", str(dataset)]) == 2
    assert contents(dataset) == before
    assert list(dataset.parent.iterdir()) == [dataset]


def test_a_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no prepared dataset"):
        add_map(tmp_path)


@pytest.mark.usefixtures("quick")
def test_a_map_without_its_method_in_the_manifest_is_refused(dataset: Path) -> None:
    add_map(dataset)
    manifest = json.loads((dataset / "manifest.json").read_text())
    for made in (None, {}, {"method": 3}, "t-SNE"):
        (dataset / "manifest.json").write_text(json.dumps({**manifest, "map": made}))
        assert "'map' is" in verify_dataset(dataset)[0]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("harm", ["missing", "cut", "flipped", "another shape", "another type"])
def test_a_damaged_map_is_found_and_named(dataset: Path, harm: str) -> None:
    add_map(dataset)
    path = dataset / "map.npy"
    data, places = bytearray(path.read_bytes()), np.load(path)
    path.unlink()
    if harm == "cut":
        path.write_bytes(data[:-1])
    elif harm == "flipped":
        data[-5] ^= 1
        path.write_bytes(data)
    elif harm == "another shape":
        np.save(path, places.reshape(2, 30))
    elif harm == "another type":
        np.save(path, places.view(np.int16))
    problems = verify_dataset(dataset)
    assert len(problems) == 1
    assert "map.npy" in problems[0]


def test_a_dataset_without_a_map_is_valid(dataset: Path) -> None:
    assert verify_dataset(dataset) == []
    assert open_dataset(dataset).map() is None


def test_the_embedded_sample_comes_with_a_map_of_its_clips(root: Path) -> None:
    sample = open_dataset(root / "data" / "sample")
    places = sample.map()
    assert places is not None
    assert len(places) == sum(map(sample.n_rows, SPLITS))
    assert np.ptp(places.astype(int), axis=0).min() > 40_000


def test_neighbours_on_the_samples_map_mostly_share_labels(root: Path) -> None:
    """A clip's kind is the first word of its id; at random one pair in forty would agree."""
    sample = open_dataset(root / "data" / "sample")
    places = sample.map()
    assert places is not None
    kinds = [i.rsplit("-", 1)[0] for split in SPLITS for i in sample.clips(split)["clip_id"].to_pylist()]
    chosen = np.arange(0, len(places), 100)
    apart = np.abs(places[chosen].astype(int)[:, None] - places.astype(int)[None]).max(axis=2)
    nearest = np.argpartition(apart, 1, axis=1)[:, :2]
    agree = [any(kinds[j] == kinds[i] for j in near if j != i) for i, near in zip(chosen, nearest, strict=True)]
    assert np.mean(agree) > 0.5


def test_a_plane_is_that_of_all_clips_and_says_so(dataset: Path) -> None:
    seen: list[int] = []
    mapped = add_map(dataset, plane=True, progress=seen.append)
    assert verify_dataset(dataset) == []
    assert mapped.manifest["map"] == {"method": "principal plane"}
    features = [mapped.features(split) for split in SPLITS]
    expected = as_coordinates(principal_plane(*features).project(np.concatenate(features)))
    np.testing.assert_array_equal(mapped.map(), expected)
    assert seen == [0, len(features[0]), sum(map(len, features[:2])), 30]


def test_what_the_progress_raises_leaves_the_dataset_as_it_was(dataset: Path) -> None:
    before = contents(dataset)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_map(dataset, plane=True, progress=stop)
    assert contents(dataset) == before


@pytest.mark.parametrize(("n", "method"), [(10, "principal plane"), (40, "t-SNE"), (60, "principal plane")])
def test_vectors_get_a_map_as_they_become_a_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], n: int, method: str
) -> None:
    monkeypatch.setattr(mapping, "MAX_AT_ONCE", 50)
    np.save(tmp_path / "x.npy", np.random.default_rng(1).standard_normal((n, 200)).astype(np.float32))
    command = ["vectors", str(tmp_path / "x.npy"), "--out", str(tmp_path / "out")]
    assert main([*command, "--no-map"]) == 0
    assert open_dataset(tmp_path / "out").map() is None
    assert main(command) == 0
    mapped = open_dataset(tmp_path / "out")
    assert mapped.manifest["map"]["method"] == method
    assert verify_dataset(tmp_path / "out") == []
    assert ("python -m data_prep map" in capsys.readouterr().out) == (n == 60)


def test_without_opentsne_new_datasets_get_their_principal_plane_and_say_how_to_get_it(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    said = mapping.map_new(dataset)
    assert open_dataset(dataset).manifest["map"] == {"method": "principal plane"}
    assert "openTSNE" in said


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_long_vectors_are_laid_out_by_their_principal_components(metric: Metric) -> None:
    rng = np.random.default_rng(2)
    centres = 8 * rng.standard_normal((3, 300))
    groups = np.arange(90) % 3
    X = (centres[groups] + rng.standard_normal((90, 300))).astype(np.float32)
    places = tsne_layout(X, metric, 0, lambda _: None)
    away = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(away, np.inf)
    assert (groups[away.argmin(axis=1)] == groups).all()
