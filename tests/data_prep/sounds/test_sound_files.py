"""Finding sound files: names, ids, links, permissions and other files."""

import errno
import os
import re
import unicodedata

import numpy as np
import pytest

from data_prep.errors import InputError
from data_prep.sounds.sound_files import SoundFile, find_sounds, sound_folder
from tests.data_prep.sounds.sound_bytes import by_ffmpeg, by_libsndfile

AWKWARD = ["a b.wav", "ü ñ 音.wav", "quote'\".wav", "new\nline.wav", "[x](y)<b>.wav", "#%?&=.wav", "-rf.wav", "a.b.wav"]


def paths(folder):
    return [file.path for file in find_sounds(folder).files]


def test_sounds_are_found_in_order_of_path_and_other_files_are_ignored(write, sounds):
    for path in ("b/two.wav", "a/one.flac", "top.WAV"):
        write(path)
    (sounds / "notes.txt").write_text("no sound")
    assert sorted(paths(sounds)) == ["a/one.flac", "b/two.wav", "top.WAV"]


def test_a_sound_is_labelled_by_the_folder_it_lies_in(write, sounds):
    write("drums/kicks/one.wav")
    write("top.wav")
    labels = {file.path: file.label for file in find_sounds(sounds).files}
    assert labels == {"drums/kicks/one.wav": "kicks", "top.wav": None}


def test_hidden_files_and_folders_are_ignored(write, sounds):
    for path in (".hidden.wav", "._resource.wav", ".cache/one.wav", "seen.wav"):
        write(path)
    assert paths(sounds) == ["seen.wav"]


@pytest.mark.parametrize("name", AWKWARD)
def test_any_name_gives_a_clip_id_that_is_safe_in_a_link(write, sounds, name):
    write(name)
    (file,) = find_sounds(sounds).files
    assert file.path == name
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,120}", file.clip_id(0, 1))


@pytest.mark.parametrize(
    ("path", "begins"), [("Drums/Kick 01.v2.wav", "Kick-01-v2-"), ("--.wav", "sound-"), ("x" * 200 + ".wav", "x" * 40)]
)
def test_a_clip_id_begins_with_the_name_of_the_file(path, begins):
    assert SoundFile(path, 10, 1).clip_id(0, 1).startswith(begins)


def test_a_very_long_name_gives_a_short_clip_id(write, sounds):
    write("x" * 200 + ".wav")
    assert len(find_sounds(sounds).files[0].clip_id(4, 9)) <= 120


def test_files_of_one_name_in_two_folders_have_different_ids():
    one, two = SoundFile("a/kick.wav", 10, 1), SoundFile("b/kick.wav", 10, 1)
    assert one.clip_id(0, 1) != two.clip_id(0, 1)


def test_a_changed_file_has_another_id():
    before, after = SoundFile("kick.wav", 10, 1), SoundFile("kick.wav", 10, 2)
    assert before.clip_id(0, 1) != after.clip_id(0, 1)


def test_a_name_that_is_not_utf8_is_refused(sounds):
    path = os.fsencode(sounds) + b"/bad\xff.wav"
    with open(path, "wb"):  # noqa: PTH123  (a Path cannot hold it)
        pass
    (refused,) = find_sounds(sounds).refused
    assert refused[0] == "bad\\xff.wav" or "bad" in refused[0]
    assert "UTF-8" in refused[1]


def test_files_in_a_loop_of_links_are_found_once(write, sounds):
    write("a/one.wav")
    (sounds / "a" / "loop").symlink_to(sounds, target_is_directory=True)
    (sounds / "self.wav").symlink_to("self.wav")
    found = find_sounds(sounds)
    assert [file.path for file in found.files] == ["a/one.wav"]
    assert [path for path, _ in found.refused] == ["self.wav", "a/loop"]
    assert "broken link" in found.refused[0][1]


def test_links_to_folders_are_listed_and_not_followed(write, sounds, tmp_path):
    write("in/one.wav")
    (tmp_path / "other").mkdir()
    (sounds / "out").symlink_to(tmp_path / "other")
    (sounds / "again").symlink_to(sounds / "in")
    (sounds / ".hidden").symlink_to(sounds / "in")
    found = find_sounds(sounds)
    assert [file.path for file in found.files] == ["in/one.wav"]
    assert [path for path, reason in found.refused if "link to a folder" in reason] == ["again", "out"]


def test_a_link_out_of_the_folder_is_refused(write, sounds, tmp_path):
    write("in.wav")
    (tmp_path / "secret.wav").write_bytes(b"x")
    (sounds / "out.wav").symlink_to(tmp_path / "secret.wav")
    found = find_sounds(sounds)
    assert [file.path for file in found.files] == ["in.wav"]
    assert found.refused == [("out.wav", "it is a link to a place outside the folder")]


def test_a_pipe_named_like_a_sound_is_not_opened(sounds):
    os.mkfifo(sounds / "pipe.wav")
    assert find_sounds(sounds).refused == [("pipe.wav", "it is not a regular file")]


def test_sounds_are_recognised_by_their_contents_and_other_files_are_ignored(write, sounds):
    kept = {
        "voice memo": by_ffmpeg("ipod", "aac", seconds=0.2),
        "clip.wave": by_libsndfile("WAV", seconds=0.2),
        "track.dat": by_ffmpeg("mpegts", "aac", seconds=0.2),
        "old.unknown": by_ffmpeg("ast", "pcm_s16be_planar", seconds=0.2),
        "song.backup": b"MThd" + bytes(20),
        "talk.mkv.part": by_ffmpeg("matroska", "flac", seconds=0.2),
    }
    noise = np.random.default_rng(1).integers(0, 256, 30_000, dtype=np.uint8).tobytes()
    others = {
        "a.txt": b"hello",
        "b.bin": noise,
        "c.html": b"<html>" * 99,
        "d": b"",
        "e.png": b"\x89PNG\r\n\x1a\n" + noise,
    }
    others |= {
        "f.reapeaks": b"RPKN" + bytes(4000),
        "g.asd": bytes(5000),
        "h.py": b"import os\n",
        "i.zip": b"PK\x03\x04" + noise,
    }
    for name, data in (kept | others).items():
        (sounds / name).write_bytes(data)
    assert paths(sounds) == sorted(kept)
    assert find_sounds(sounds).refused == []


@pytest.mark.parametrize("suffix", ["wav", "m4a", "wma", "opus", "mid", "amr", "mp4", "3gp", "g722"])
def test_a_file_named_like_a_sound_is_never_lost_without_a_word(sounds, suffix):
    (sounds / f"a.{suffix}").write_bytes(b"x")
    assert paths(sounds) == [f"a.{suffix}"]


def test_names_of_a_folder_in_two_unicode_forms_are_one_label(write, sounds):
    for form in ("NFC", "NFD"):
        write(f"{unicodedata.normalize(form, 'Vögel')}/{form}.wav")
    assert {file.label for file in find_sounds(sounds).files} == {"Vögel"}
    assert len(paths(sounds)) == 2


def no_folder(sounds, kind):
    (sounds / "round").symlink_to("round")
    (sounds / "file").write_bytes(b"x")
    (sounds / os.fsdecode(b"bad\xff")).mkdir()
    names = {"not UTF-8": os.fsdecode(b"bad\xff"), "zero": "a\0b", "long": "x" * 300, "escape": "\x1b[31m\nred"}
    return sounds / names.get(kind, kind)


@pytest.mark.parametrize("kind", ["missing", "file", "file/below", "round", "not UTF-8", "zero", "long", "escape"])
def test_a_path_that_is_not_a_folder_is_refused_in_one_line(sounds, kind):
    for use in (sound_folder, find_sounds):
        with pytest.raises(InputError) as refused:
            use(no_folder(sounds, kind))
        assert str(refused.value).isprintable()
        for path in sounds.iterdir():
            path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize("call", ["scandir", "stat"])
def test_a_folder_without_permission_is_refused(sounds, monkeypatch, call):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")  # chmod would not keep root out

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
        sound_folder(sounds)


def test_a_folder_is_found_from_home_and_through_links(sounds, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to(sounds)
    assert sound_folder("~/sounds") == sound_folder(tmp_path / "link") == sounds.resolve()
    with pytest.raises(InputError, match="~nobody-of-this-name is not a folder"):
        sound_folder("~nobody-of-this-name")
