"""Data: a collection made of a file of one's own embeddings, by a form that shows what each column becomes."""

import json
import os
import shutil
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.dataset import open_dataset
from data_prep.vectors.clip_columns import Asked, safe_id
from data_prep.vectors.collection import prepare_vectors
from data_prep.vectors.preview import preview
from data_prep.vectors.reading_process import PREPARATION, Limits, preview_apart
from tests.ui.apptest import alone, said
from ui.pages.data import folder as data_folder
from ui.pages.data import vectors
from ui.server.jobs import jobs

FOLDER = Path(os.environ.get("EARSHOT_TEST_DATA", Path(__file__).parents[4] / "shared")) / "cases/vectors"
CASES = json.loads((FOLDER / "expected.json").read_text()) if (FOLDER / "expected.json").is_file() else {}
cases = pytest.mark.skipif(not CASES, reason="the exports are not there: set EARSHOT_TEST_DATA to test on them")
FIELDS = {"--id": "Ids", "--title": "Titles", "--audio": "Sounds", "--start": "Start in the sound"}
FIELDS |= {"--end": "End in the sound", "--vector": "Vectors"}


@pytest.fixture
def local(home, collection, monkeypatch):
    """The folder of collections of a visitor who owns the machine."""
    shutil.copytree(collection, home / "sample")
    monkeypatch.setenv("EARSHOT_LOCAL", "1")
    monkeypatch.delenv("EARSHOT_DATASET", raising=False)
    jobs.clear()
    vectors._preview.clear()
    return home


@pytest.fixture
def at_once(monkeypatch):
    """Read the file in this process, which takes a tenth of the time."""
    monkeypatch.setattr(vectors, "preview_apart", preview)

    def prepare(*files, should_stop, limits, **how):
        assert not should_stop()
        assert limits is PREPARATION
        return prepare_vectors(*files, **how)

    monkeypatch.setattr(vectors, "prepare_apart", prepare)


def opened(path, meta=None):
    """Return the page with a file in its form, as after typing its path."""
    app = alone("data")
    app.session_state["vectors"] = str(path)
    if meta is not None:
        app.session_state["vectors meta"] = str(meta)
    app.run()
    assert not app.exception
    return app


def becomes(app):
    """Return what each column becomes, and the first value of each."""
    table = next(table.value for table in app.table if "becomes" in table.value.columns)
    rows = zip(table["column"], table["becomes"], table["row 0"], strict=True)
    return {name.replace("\\", ""): (use.replace("\u00a0", " "), first.replace("\\", "")) for name, use, first in rows}


def words(app):
    return (said(app) + "\n".join(element.value for element in app.warning)).replace("\\", "")


def button(app, label):
    return next((button for button in app.button if button.label == label), None)


def choose(app, arguments):
    """Choose in the form what a command line names."""
    labels = [value for flag, value in arguments if flag == "--label"]
    for flag, value in arguments:
        if flag in FIELDS:
            next(box for box in app.selectbox if box.label == FIELDS[flag]).set_value(value)
    if labels:
        app.multiselect[0].set_value(labels)
    return app.run()


def made(app, path):
    """Press the button, wait, and return what the job says."""
    button(app, "Make the collection").click().run()
    job = jobs().get(f"vectors {path}")
    job.thread.join()
    assert job.error is None
    app.run()
    return job.result


@cases
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (
            "07_list_float.parquet",
            {
                "embedding": ("vector of 48 numbers", "0.01472, -0.002435, -0.8039, -0.9489, -0.7948, …"),
                "id": ("id", "clip-000"),
                "audio_path": ("sound", "audio/north/rec_0000.wav"),
                "label": ("label", "Turdus merula"),
                "title": ("title", "Clip 0 \u2013 Wald bei Nacht"),
            },
        ),
        (
            "09_many_columns.parquet",
            {
                "emb_0 to emb_63": ("vector of 64 numbers", "-0.1408, 0.1015, -1.597, 0.2864, 0.9011, …"),
                "recording_id": ("id", "R000"),
                "year": ("kept as number", "2020"),
                "species": ("label", "Turdus merula"),
            },
        ),
        (
            "12_birdnet_table.csv",
            {
                "embedding": ("vector of 32 numbers", "1.08, -0.05893, -0.6639, -0.1417, -2.424, …"),
                "file_path": ("id; sound", "audio/site_a/2024-05-01.wav"),
                "start": ("id; start", "0.0"),
                "end": ("end", "3.0"),
            },
        ),
        (
            "22_points.jsonl",
            {"payload.species": ("label", "noise"), "payload.tags": ("kept as lists of texts", "x, y")},
        ),
    ],
)
def test_the_form_shows_what_each_column_becomes(local, at_once, name, columns):
    app = opened(FOLDER / name)
    found = becomes(app)
    assert {column: found[column] for column in columns} == columns
    assert button(app, "Make the collection") is not None


@cases
def test_a_choice_replaces_a_guess_and_is_shown(local, at_once):
    case = CASES["08_fixed_size_list.parquet"]["args"]
    app = opened(FOLDER / case[0])
    assert becomes(app)["site"] == ("kept as text", "A")
    choose(app, list(zip(case[1::2], case[2::2], strict=True)))
    found = becomes(app)
    assert (found["species"], found["site"]) == (("label", "noise"), ("label", "A"))
    assert found["recorded_at"][0] == "kept as date"


@cases
@pytest.mark.parametrize("name", ["01_laion_float16.npy", "11_bad_rows.parquet", "20_other_order.parquet"])
def test_a_file_becomes_a_collection_with_a_map(local, at_once, name):
    case = CASES[name]
    path, arguments = FOLDER / case["args"][0], list(zip(case["args"][1::2], case["args"][2::2], strict=True))
    metas = [FOLDER / value for flag, value in arguments if flag == "--meta"]
    app = choose(opened(path, *metas), arguments)
    result = made(app, path)
    n_clips = case["rows"] - len(case["bad_rows"])
    assert result.startswith(f"{n_clips} of {case['rows']} rows, {case['dim']} numbers each.")
    dataset = open_dataset(local / vectors.collection_of(path))
    clip = dataset.find_clip(safe_id(case["first_id"]))
    assert np.asarray(dataset.features("train"))[clip.row][:3] == pytest.approx(case["first_values"], abs=6e-5)
    assert [dataset.label_names[i] for i in clip.labels][:1] == [case["first_label"]] if "first_label" in case else True
    assert clip.title == case.get("first_title")
    assert dataset.manifest["map"]["method"] == "t-SNE"
    assert dataset.map().shape == (n_clips, 2)
    assert button(app, "Make it again") is not None
    assert data_folder.collection_of(FOLDER) is None  # a folder of sounds is another collection than vectors of them
    if name.startswith("11"):
        assert "11 rows left out, such as row 3: the vector is missing." in words(app)


@cases
@pytest.mark.parametrize("name", ["04_frames_vggish.npy", "05_pickled_objects.npy", "16_numpy_text_cut.csv"])
def test_a_file_that_is_refused_is_explained_and_offers_no_button(local, at_once, name):
    case = CASES[name]
    app = opened(FOLDER / case["args"][0])
    assert all(word in words(app) for word in case["must_say"])
    assert button(app, "Make the collection") is None


@cases
def test_frames_are_averaged_on_request(local, at_once):
    app = opened(FOLDER / "04_frames_vggish.npy", FOLDER / "04_frames_vggish.meta.csv")
    assert "On this page that is **Average the frames of each row**" in words(app)
    app.checkbox[0].check().run()
    name, (use, first) = next(iter(becomes(app).items()))
    assert (name, use) == ("04_frames_vggish.npy", "vector of 128 numbers")
    assert first.startswith("-0.4574, -0.2772, -0.03828")


def test_where_two_columns_fit_both_are_offered(local, at_once, tmp_path):
    rows = np.random.default_rng(0).standard_normal((6, 3)).tolist()
    pq.write_table(pa.table({"clap_a": rows, "perch_b": rows, "id": list("abcdef")}), tmp_path / "two.parquet")
    app = opened(tmp_path / "two.parquet")
    assert "These may be the vectors: **clap_a, perch_b**" in words(app)
    assert button(app, "Make the collection") is None
    box = next(box for box in app.selectbox if box.label == "Vectors")
    box.set_value("perch_b").run()
    assert becomes(app)["perch_b"][0] == "vector of 3 numbers"
    assert button(app, "Make the collection") is not None


def test_text_of_a_file_is_shown_as_it_is(local, at_once, tmp_path, monkeypatch):
    text = "![x](http://a.example/x.png) <b>*bold*</b>"
    pq.write_table(
        pa.table({"v": [[1.0, 2.0, 3.0]] * 3, "id": list("abc"), "note": [text] * 3, "**name**": [text] * 3}),
        tmp_path / "marked.parquet",
    )
    monkeypatch.setattr(vectors, "_MAX_COLUMNS", 4)
    app = opened(tmp_path / "marked.parquet")
    table = next(table.value for table in app.table if "becomes" in table.value.columns)
    assert (len(table), "more column" in said(app)) == (4, False)
    cell = table[table["column"] == "note"]["row 0"].item()
    assert cell.startswith("\\!\\[x\\]\\(http\\:")
    assert "\\*\\*name\\*\\*" in table["column"].tolist()
    monkeypatch.setattr(vectors, "_MAX_COLUMNS", 3)
    assert "… and 1 more column." in said(app.run())


@pytest.mark.parametrize(
    ("typed", "message"),
    [("/no/such.npy", "is not there, or is no file"), ("/", "is a folder"), ("a\0b", "is not there")],
)
def test_a_path_that_is_no_file_is_refused_in_words(local, typed, message):
    app = opened(typed)
    assert message in words(app)
    assert not app.table or all("becomes" not in table.value.columns for table in app.table)


def test_a_file_that_its_reader_cannot_finish_is_named(local, tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.ones((4, 3), np.float32))
    monkeypatch.setattr(vectors, "preview_apart", partial(preview_apart, limits=Limits(10**7, 60.0)))
    app = opened(tmp_path / "x.npy")
    assert f"{tmp_path / 'x.npy'} needs more than 0.0 GB of memory to be read here" in words(app)
    assert button(app, "Make the collection") is None


def test_a_stop_after_the_reading_keeps_the_collection_without_its_map(local, at_once, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((30, 3)))
    read = []
    place = partial(vectors.place_of, tmp_path / "x.npy")
    result = vectors.making(tmp_path / "x.npy", None, Asked(), place)(
        lambda _share, doing: read.append("of 30 clips" in doing), lambda: any(read)
    )
    assert "You stopped the rest" in result
    assert open_dataset(local / "x").map() is None


def test_the_map_is_the_principal_plane_until_the_better_one_is_there(local, at_once, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((30, 3)))
    shares = []

    def tell(share, doing):
        if "a better map" in doing:
            assert open_dataset(local / "x").manifest["map"] == {"method": "principal plane"}
            shares.append(share)

    place = partial(vectors.place_of, tmp_path / "x.npy")
    result = vectors.making(tmp_path / "x.npy", None, Asked(), place)(tell, lambda: len(shares) > 5)
    assert "You stopped the better map: it shows the principal plane." in result
    assert open_dataset(local / "x").manifest["map"] == {"method": "principal plane"}
    begun, shares = shares, []
    vectors.making(tmp_path / "x.npy", None, Asked(), place)(tell, lambda: False)
    assert open_dataset(local / "x").manifest["map"]["method"] == "t-SNE"
    assert begun == shares[: len(begun)] == sorted(begun)
    assert shares[-1] == 1


@cases
def test_another_process_reads_the_file(local):
    path = FOLDER / "12_birdnet_table.csv"
    app = opened(path)
    assert becomes(app)["file_path"] == ("id; sound", "audio/site_a/2024-05-01.wav")
    assert made(app, path).startswith("20 of 20 rows, 32 numbers each.")


def test_a_stop_ends_the_reading_and_leaves_nothing(local, at_once, tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.ones((4, 3), np.float32))
    begun = threading.Event()

    def hang(*_, should_stop, **__):
        begun.set()
        while not should_stop():
            threading.Event().wait(0.01)
        raise vectors.StoppedError("stopped")

    monkeypatch.setattr(vectors, "prepare_apart", hang)
    app = opened(tmp_path / "x.npy")
    button(app, "Make the collection").click().run()
    assert begun.wait(60)
    app.run()
    button(app, "Stop").click().run()
    jobs().get(f"vectors {tmp_path / 'x.npy'}").thread.join()
    app.run()
    assert "Stopped. Nothing was written." in words(app)
    assert sorted(path.name for path in local.iterdir()) == ["sample", "x.npy"]
