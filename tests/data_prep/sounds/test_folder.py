"""Preparing a folder of sounds as a dataset: new, changed, removed and invalid files, stops and kills."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from data_prep.__main__ import main
from data_prep.dataset import conditions, open_dataset, verify_dataset
from data_prep.errors import InputError, OutputError
from data_prep.sounds.folder import _choose_excerpts, _labels, prepare_folder
from data_prep.sounds.measure_columns import BRIGHTNESS, COLUMNS, LOUDNESS, PITCH, measures_in
from data_prep.sounds.progress_journal import EmbeddedClip
from data_prep.sounds.sound_files import SoundFile
from data_prep.sounds.yamnet import Yamnet
from tests.data_prep import small_datasets
from tests.data_prep.sounds.sound_bytes import by_ffmpeg, by_libsndfile, video_without_sound
from tests.stress import IS_STRESS

pytestmark = pytest.mark.usefixtures("yamnet_here")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "made"


def names(dataset, clip):
    return {dataset.label_names[label] for label in clip.labels}


def test_every_file_is_a_clip_of_train_with_its_folder_as_label(write, sounds, out):
    for path in ("bells/one.wav", "bells/two.flac", "rain/three.ogg"):
        write(path)
    outcome = prepare_folder(sounds, out)
    dataset = open_dataset(out)
    assert (outcome.files, outcome.clips, outcome.embedded) == (3, 3, 3)
    assert verify_dataset(out) == []
    assert (dataset.media, dataset.n_rows("train"), dataset.dim) == ("file", 3, 128)
    by_path = {dataset.clip("train", row).media: dataset.clip("train", row) for row in range(3)}
    assert all(path.split("/")[0] in names(dataset, clip) for path, clip in by_path.items())


def test_a_second_run_embeds_only_new_and_changed_files(write, sounds, out):
    write("a.wav", hertz=300)
    write("b.wav", hertz=600, seconds=25.0)
    prepare_folder(sounds, out)
    before = open_dataset(out)
    kept = {before.clip("train", row).clip_id: np.array(before.features("train")[row]) for row in range(4)}
    os.utime(write("a.wav", hertz=900), ns=(10**18, 10**18))
    write("c.wav", hertz=1200)
    outcome = prepare_folder(sounds, out)
    after = open_dataset(out)
    assert (outcome.embedded, outcome.files, outcome.clips) == (2, 3, 5)
    same = [clip_id for clip_id in kept if after.find_clip(clip_id)]
    assert len(same) == 3
    for clip_id in same:
        np.testing.assert_array_equal(after.features("train")[after.find_clip(clip_id).row], kept[clip_id])


def test_a_run_with_nothing_new_gives_the_same_dataset(write, sounds, out):
    write("a.wav")
    write("b/c.wav", hertz=2000)
    prepare_folder(sounds, out)
    first = open_dataset(out).fingerprint
    assert prepare_folder(sounds, out).embedded == 0
    assert open_dataset(out).fingerprint == first


def test_validation_queries_are_the_middle_halves_of_clips(write, sounds, out):
    rng = np.random.default_rng(7)
    for number in range(5):
        write(f"bells/{number}.wav", samples=0.1 * rng.standard_normal((64_000, 1)))
    prepare_folder(sounds, out)
    dataset = open_dataset(out)
    assert dataset.n_rows("validation") == 5  # all of so few
    for row in range(5):
        excerpt = dataset.clip("validation", row)
        whole = dataset.find_clip(excerpt.clip_id.removesuffix("~middle"))
        assert (excerpt.start_s, excerpt.end_s) == (1.0, 3.0)
        assert (whole.media, whole.labels) == (excerpt.media, excerpt.labels)
        assert not np.array_equal(dataset.features("validation")[row], dataset.features("train")[whole.row])


def test_loudness_brightness_and_pitch_are_columns_by_which_clips_are_found(write, sounds, out):
    write("low.wav", seconds=1.0, hertz=220.0)
    write("high.wav", seconds=1.0, hertz=880.0)
    write("noise.wav", samples=0.01 * np.random.default_rng(3).standard_normal((16_000, 1)))
    prepare_folder(sounds, out)
    dataset = open_dataset(out)

    def found(kind, low, high):
        allowed = conditions.rows_meeting(dataset, "train", [conditions.Condition(kind, (), low, high)])
        return {dataset.clip("train", row).media for row in np.flatnonzero(allowed)}

    assert found(PITCH, 200.0, 240.0) == {"low.wav"}
    assert found(PITCH, None, 5000.0) == {"low.wav", "high.wav"}  # noise has none
    assert found(BRIGHTNESS, 3500.0, 4500.0) == {"noise.wav"}
    assert found(LOUDNESS, -9.1, -8.9) == {"low.wav", "high.wav"}
    assert {forms for kind, forms in conditions.forms_of(dataset).items() if kind in COLUMNS} == {"number"}
    by_pitch = conditions.numbers_of(dataset, "train", PITCH)
    names = [dataset.clip("train", int(row)).media for row in np.argsort(by_pitch)]
    assert names == ["low.wav", "high.wav", "noise.wav"]
    assert np.isnan(conditions.numbers_of(dataset, "validation", PITCH)).all()  # excerpts are not measured


def test_a_dataset_of_an_earlier_version_is_measured_by_the_next_run(write, sounds, out, monkeypatch):
    write("a.wav", seconds=1.0)
    with monkeypatch.context() as earlier:
        earlier.setattr("data_prep.sounds.folder.as_columns", lambda _measures: {})
        prepare_folder(sounds, out)
    assert prepare_folder(sounds, out).embedded == 1
    (measures,) = measures_in(open_dataset(out).clips("train"))
    assert measures.pitch == pytest.approx(440, rel=0.004)
    assert prepare_folder(sounds, out).embedded == 0
    assert measures_in(open_dataset(out).clips("train")) == [measures]


def test_a_folder_gets_a_map_by_the_command(write, sounds, out):
    for number in range(20):
        write(f"{number}.wav", hertz=200 + 100 * number)
    assert main(["folder", str(sounds), "--out", str(out)]) == 0
    assert open_dataset(out).manifest["map"]["method"] == "t-SNE"
    assert prepare_folder(sounds, out).embedded == 0


def test_a_tenth_of_many_clips_gives_an_excerpt():
    share = np.mean([SoundFile(f"{i}.wav", 1, 1).pseudo_random(0) < 0.1 for i in range(5000)])
    assert abs(share - 0.1) < 4 * np.sqrt(0.1 * 0.9 / 5000)


def test_excerpts_beyond_the_share_are_dropped_and_a_missing_one_makes_the_clips_unusable():
    file, feature = SoundFile("x.wav", 1, 1), np.ones(128, np.float32)
    clips = [EmbeddedClip(0.0, 1.0, (), 1, feature, feature)]
    (without,) = _choose_excerpts(file, clips, share=0.0)
    assert without.excerpt is None
    assert _choose_excerpts(file, clips, share=1.0) == clips
    assert _choose_excerpts(file, [without], share=1.0) == []


def test_suggestions_get_names_that_no_folder_has():
    feature = np.ones(128, np.float32)
    clips = [EmbeddedClip(0.0, 1.0, ("Dog", "Cat", "Bell"), 1, feature, None)]
    folders = ("Dog", "Dog (suggested)", "Dog (suggested) (suggested)", "Cat (suggested)")
    labels = _labels({SoundFile(f"{name}/x.wav", 1, 1): clips for name in folders})
    assert [label.name for label in labels] == [
        *sorted(folders),
        "Bell (suggested)",
        "Cat (suggested) (suggested)",
        "Dog (suggested) (suggested) (suggested)",
    ]
    assert len({label.mid for label in labels}) == len(labels)


@pytest.mark.parametrize("first", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("then", ["float32", "float16", "uint8"])
def test_a_second_run_in_any_dtype_gives_what_a_first_run_gives(write, sounds, tmp_path, first, then):
    for number in range(3):
        write(f"a/{number}.wav", hertz=300 * number + 200)
    prepare_folder(sounds, tmp_path / "a" / "made", dtype=first)
    (sounds / "a" / "1.wav").unlink()
    write("a/new.wav", hertz=2500)
    embedded = prepare_folder(sounds, tmp_path / "a" / "made", dtype=then).embedded
    assert embedded == (3 if first == "float16" and then != "float16" else 1)
    prepare_folder(sounds, tmp_path / "b" / "made", dtype=then)
    assert contents(tmp_path / "a" / "made") == contents(tmp_path / "b" / "made")
    assert verify_dataset(tmp_path / "a" / "made") == []
    assert prepare_folder(sounds, tmp_path / "a" / "made").embedded == 0
    assert contents(tmp_path / "a" / "made") == contents(tmp_path / "b" / "made")


def test_a_later_run_keeps_the_dtype_and_embeds_nothing_anew(write, sounds, out):
    write("a.wav")
    write("b.wav", hertz=900)
    assert main(["folder", str(sounds), "--out", str(out), "--dtype", "uint8", "--no-map"]) == 0
    before = contents(out)
    assert open_dataset(out).dtype == "uint8"
    for _ in range(2):
        assert prepare_folder(sounds, out).embedded == 0
        assert contents(out) == before


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_removed_file_leaves_the_dataset(write, sounds, out):
    write("a.wav")
    path = write("b.wav", hertz=900)
    prepare_folder(sounds, out)
    path.unlink()
    assert prepare_folder(sounds, out).files == 1


def test_invalid_files_are_listed_and_the_others_are_prepared(write, sounds, out, capsys):
    write("good.wav")
    (sounds / "empty.wav").write_bytes(b"")
    (sounds / "virus.wav").write_bytes(b"MZ" + bytes(500))
    assert main(["folder", str(sounds), "--out", str(out)]) == 1
    printed = capsys.readouterr()
    assert "left out: empty.wav: it is empty (0 bytes)" in printed.err
    assert "left out: virus.wav: it cannot be decoded" in printed.err
    assert "1 files, 1 clips" in printed.out
    assert {entry["where"] for entry in open_dataset(out).manifest["skipped"]} == {"empty.wav", "virus.wav"}


def test_a_cut_file_is_used_as_far_as_it_goes_and_noted_in_every_report(write, sounds, out, capsys):
    whole = write("a/cut.wav", seconds=25.0).read_bytes()
    (sounds / "a" / "cut.wav").write_bytes(whole[: len(whole) // 2])
    write("a/whole.wav")
    for embedded in (2, 0):
        assert main(["folder", str(sounds), "--out", str(out)]) == 0
        printed = capsys.readouterr()
        assert printed.err.count("note: a/cut.wav: it is cut or damaged: its header promises 25.0 s; the 12.5 s") == 1
        assert "whole.wav: it" not in printed.err
        assert f"{embedded} files were new or had changed" in printed.out
        assert [note[:30] for note in open_dataset(out).manifest["notes"]] == ["a/cut.wav: it is cut or damage"]


def test_every_sound_that_is_not_used_is_listed_with_its_reason(write, sounds, out):
    write("good.wav")
    files = {
        "song.mid": (b"MThd" + bytes(20), "it is a MIDI file"),
        "tune.xm": (b"Extended Module: tune" + bytes(99), "it is a tracker module"),
        "bought.m4p": (by_ffmpeg("ipod", "aac").replace(b"mp4a", b"drms"), "it is protected"),
        "screen.mov": (video_without_sound("mov"), "it holds no sound, only pictures or text"),
        "page.mp3": (b"<html>not found</html>", "not the header of a sound file"),
        "quiet.flac": (by_libsndfile("FLAC", peak=0.0), "is silent"),
        "empty.opus": (b"", "is empty"),
        "cut.m4a": (by_ffmpeg("mp4", "aac")[:9000], "cannot be decoded"),
        "no suffix": (b"IMPM" + bytes(300), "it is a tracker module"),
    }
    for name, (data, _) in files.items():
        (sounds / name).write_bytes(data)
    for name in ("._good.wav", ".hidden.mid", "notes.txt", "cover.jpg"):
        (sounds / name).write_bytes(b"\0\5\x16\7" + bytes(50))
    refused = dict(prepare_folder(sounds, out).refused)
    assert refused.keys() == files.keys()
    assert all(files[name][1] in reason for name, reason in refused.items()), refused


def test_a_folder_without_a_usable_sound_writes_nothing(sounds, out):
    (sounds / "empty.wav").write_bytes(b"")
    with pytest.raises(InputError, match=r"no sound that can be used(.|\n)*empty\.wav: it is empty"):
        prepare_folder(sounds, out)
    assert not out.exists()


def test_another_dataset_is_not_replaced_without_overwrite(write, sounds, out):
    write("a.wav")
    small_datasets.write(out)
    with pytest.raises(OutputError, match="exists already: choose another folder, or pass --overwrite"):
        prepare_folder(sounds, out)
    prepare_folder(sounds, out, overwrite=True)
    assert verify_dataset(out) == []
    assert open_dataset(out).manifest["media_folder"] == str(sounds)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("before", ["nothing", "its dataset"])
def test_other_files_in_the_target_are_never_removed(write, sounds, out, before, overwrite):
    write("a.wav")
    if before == "its dataset":
        prepare_folder(sounds, out)
    out.mkdir(exist_ok=True)
    (out / "mine.txt").write_text("keep me")
    with pytest.raises(OutputError, match="is not replaced: choose another folder"):
        prepare_folder(sounds, out, overwrite=overwrite)
    assert (out / "mine.txt").read_text() == "keep me"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("where", ["sounds", "link", "sounds/bells/..", "."])
def test_the_folder_of_sounds_is_never_the_target(write, sounds, tmp_path, where, overwrite):
    kept = write("bells/a.wav").read_bytes()
    (tmp_path / "link").symlink_to(sounds)
    with pytest.raises(OutputError, match="contains the sounds") as refused:
        prepare_folder(sounds, tmp_path / where, overwrite=overwrite)
    assert "--overwrite" not in str(refused.value)
    assert (sounds / "bells" / "a.wav").read_bytes() == kept


def test_a_dataset_of_the_folder_may_lie_in_it(write, sounds):
    write("a.wav")
    prepare_folder(sounds, sounds / "made")
    assert prepare_folder(sounds, sounds / "made").embedded == 0


def test_nothing_of_a_damaged_earlier_dataset_is_reused(write, sounds, out, capsys):
    write("a.wav")
    write("b.wav", hertz=900)
    prepare_folder(sounds, out)
    whole = {path.name: path.read_bytes() for path in out.iterdir()}
    data = bytearray(whole["train.npy"])
    data[300:500] = bytes(200)
    (out / "train.npy").write_bytes(data)
    assert main(["folder", str(sounds), "--out", str(out), "--no-map"]) == 0
    printed = capsys.readouterr()
    assert "the earlier dataset was damaged (train.npy: sha256 is" in printed.err
    assert "2 files were new or had changed" in printed.out
    assert {path.name: path.read_bytes() for path in out.iterdir()} == whole


def test_folders_named_like_a_suggested_label_are_separate_labels(real_data, sounds, out):
    barks = sorted((real_data / "sounds" / "esc10" / "dog_bark").iterdir())[2:7]  # of which YAMNet is sure
    for bark in barks:
        shutil.copy(bark, sounds)
    prepare_folder(sounds, out)
    suggested = [name for name in open_dataset(out).label_names if name.endswith(" (suggested)")]
    for name in suggested:
        (sounds / name).mkdir()
        shutil.copy(barks[0], sounds / name)
    for bark in barks:
        (sounds / bark.name).unlink()
    shutil.rmtree(out)
    for _ in range(2):  # the second run reads the labels that the first wrote
        prepare_folder(sounds, out)
        dataset = open_dataset(out)
        assert len(set(dataset.label_names)) == len(dataset.label_names)
        assert verify_dataset(out) == []
        given = [mid.removeprefix("folder/") for mid in dataset.label_mids if mid.startswith("folder/")]
        assert given == sorted(suggested)
        by_yamnet = {
            mid.removeprefix("yamnet/") + " (suggested)" for mid in dataset.label_mids if mid.startswith("yamnet/")
        }
        assert by_yamnet
        assert by_yamnet <= set(suggested)


def test_control_characters_in_file_names_are_escaped_on_the_terminal(write, sounds, out, capfd):
    write("good\n\x1b[31m.wav")
    (sounds / "bad\nleft out: \x1b]0;x\x07.wav").write_bytes(b"")
    assert main(["folder", str(sounds), "--out", str(out)]) == 1
    printed = capfd.readouterr().err
    assert "left out: bad\\nleft out: \\x1b]0;x\\x07.wav: it is empty (0 bytes)\n" in printed
    assert "\x1b[31m" not in printed


def test_warnings_printed_by_native_decoders_are_hidden(write, sounds, out, capfd):
    write("good.wav")
    whole = write("cut.mp3", seconds=20.0).read_bytes()
    (sounds / "cut.mp3").write_bytes(whole[: len(whole) // 2])
    os.write(2, b"before\n")
    assert main(["folder", str(sounds), "--out", str(out)]) == 0
    os.write(2, b"after\n")
    printed = capfd.readouterr().err
    assert "Warning: Xing" not in printed
    assert printed.startswith("before\n")
    assert "embedding: " in printed
    assert "note: cut.mp3: it is cut or damaged" in printed
    assert printed.endswith("after\n")


def test_a_stopped_run_leaves_out_the_file_it_was_embedding(write, sounds, out):
    write("a.wav")
    write("b.wav", hertz=300, seconds=60.0)
    write("c.wav", hertz=900)
    calls = []
    outcome = prepare_folder(sounds, out, should_stop=lambda: calls.append(1) or len(calls) > 3)
    assert len(calls) == 4
    assert (outcome.files, outcome.clips, outcome.remaining) == (1, 1, 2)
    assert prepare_folder(sounds, out).clips == 8


def test_the_first_ctrl_c_is_acknowledged_and_stops_after_the_clip(write, sounds, out, capfd, monkeypatch):
    write("a.wav")
    write("b.wav", hertz=300, seconds=60.0)
    run, sizes = Yamnet.run, []

    def interrupted(yamnet, samples):
        sizes.append(len(samples))
        if len(sizes) == 4:  # each clip is followed by its excerpt
            os.kill(os.getpid(), signal.SIGINT)
        return run(yamnet, samples)

    monkeypatch.setattr(Yamnet, "run", interrupted)
    assert main(["folder", str(sounds), "--out", str(out)]) == 130
    printed = capfd.readouterr().err
    assert printed.count("stopping after this clip") == 1
    assert "stopped: 1 files remain" in printed
    assert len(sizes) == 4
    assert open_dataset(out).n_rows("train") == 1


def test_a_stopped_run_keeps_its_files_and_the_next_run_resumes(write, sounds, out):
    for number in range(4):
        write(f"{number}.wav", hertz=300 + 200 * number)
    calls = []
    outcome = prepare_folder(sounds, out, should_stop=lambda: len(calls) == 2 or calls.append(1))
    assert (outcome.files, outcome.remaining) == (2, 2)
    assert "run it again" in open_dataset(out).manifest["notes"][0]
    assert prepare_folder(sounds, out).embedded == 2
    assert open_dataset(out).manifest["notes"] == []


# Killed while it embeds the third file, or when all are embedded and the dataset is not yet written.
AT_THE_THIRD = """
from data_prep.sounds import folder
embed = folder._FileEmbedder.clips
folder._FileEmbedder.clips = lambda embedder, file, decoded, stop: (
    os.kill(os.getpid(), 9) if file.path == "2.wav" else embed(embedder, file, decoded, stop)
)
"""
AT_THE_END = """
from data_prep.dataset import writer
writer.write_file = lambda *_: os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(("moment", "n_missing"), [(AT_THE_THIRD, 3), (AT_THE_END, 0)])
def test_a_killed_run_keeps_every_file_it_had_embedded(write, sounds, out, tmp_path, root, moment, n_missing):
    for number in range(5):
        write(f"{number}.wav", hertz=300 + 200 * number, seconds=0.5 if number else 21.0)
    prepare_folder(sounds, tmp_path / "uninterrupted" / "made")
    main = "import sys; from data_prep.__main__ import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", f"import os\n{moment}\n{main}", "folder", str(sounds), "--out", str(out)]
    killed = subprocess.run(command, cwd=root, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    outcome = prepare_folder(sounds, out)
    assert (outcome.embedded, outcome.files) == (n_missing, 5)
    files = {path.name: path.read_bytes() for path in out.iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "uninterrupted" / "made").iterdir()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "sounds", "uninterrupted"]


def test_real_recordings_are_nearest_to_recordings_of_the_same_class(real_data, sounds, out):
    per_class, n_nearest = (40, 10) if IS_STRESS else (12, 3)
    for folder in (real_data / "sounds" / "esc10").iterdir():
        (sounds / folder.name).mkdir()
        for recording in sorted(folder.iterdir())[:per_class]:
            shutil.copy(recording, sounds / folder.name)
    prepare_folder(sounds, out)
    dataset = open_dataset(out)
    features = np.asarray(dataset.features("train"), np.float64)
    kinds = np.array([dataset.clip("train", row).media.split("/")[0] for row in range(len(features))])
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argsort(-cosines, axis=1)[:, :n_nearest]
    assert len(features) == 10 * per_class
    assert (kinds[nearest[:, 0]] == kinds).mean() >= 0.95
    assert (kinds[nearest] == kinds[:, None]).mean() >= 0.90
