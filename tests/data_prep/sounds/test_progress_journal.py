"""The journal of embedded files survives the process that wrote it; damaged lines are ignored."""

from pathlib import Path

import numpy as np
import pytest

from data_prep.errors import OutputError
from data_prep.sounds.measures import Measures
from data_prep.sounds.progress_journal import EmbeddedClip, ProgressJournal
from data_prep.sounds.sound_files import SoundFile

FILES = [SoundFile(f"a/{i} ü\n.wav", 100 + i, 10**18 + i) for i in range(4)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sounds"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "made"


def clips_of(file):
    rng = np.random.default_rng(file.size)
    features = rng.standard_normal((4, 128)).astype(np.float32)
    return [
        EmbeddedClip(0.0, 10 / 3, ("Bell", "Été"), 20, features[0], features[1], "", Measures(-3.2, 510, None)),
        EmbeddedClip(10 / 3, 4.1, (), 1, features[2], features[3]),
    ]


def same(ours, theirs):
    plain = [[(c.start_s, c.end_s, c.suggested, c.n_frames, c.measures) for c in clips] for clips in (ours, theirs)]
    arrays = [[a for c in clips for a in (c.feature, c.excerpt) if a is not None] for clips in (ours, theirs)]
    pairs = zip(*arrays, strict=True)
    return plain[0] == plain[1] and all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


def killed(target, folder, files=FILES):
    """Write a journal as a process does that is then killed, and return its bytes."""
    journal = ProgressJournal(target, folder)
    for file in files:
        journal.add(file, clips_of(file))
    path = target.parent / ".made.heard"
    data = path.read_bytes()
    journal._file.close()
    return path, data


def test_embedded_clips_are_read_back_exactly(target, folder):
    killed(target, folder)
    with ProgressJournal(target, folder) as journal:
        assert all(same(journal.clips(file), clips_of(file)) for file in FILES)


def test_a_truncated_journal_keeps_the_complete_lines_and_can_be_appended_to(target, folder):
    path, data = killed(target, folder)
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for cut in [*range(0, len(data), 211), *ends, *(end - 1 for end in ends)]:
        path.write_bytes(data[:cut])
        n_whole = sum(end <= cut for end in ends)
        journal = ProgressJournal(target, folder)
        assert [bool(journal.clips(file)) for file in FILES] == [i < n_whole for i in range(4)]
        journal.add(FILES[-1], clips_of(FILES[-1]))
        journal._file.close()
        journal = ProgressJournal(target, folder)
        assert same(journal.clips(FILES[-1]), clips_of(FILES[-1]))
        journal._file.close()


def test_a_line_with_a_changed_byte_is_ignored(target, folder):
    path, data = killed(target, folder)
    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        journal = ProgressJournal(target, folder)
        assert all(not clips or same(clips, clips_of(file)) for file in FILES for clips in [journal.clips(file)])
        assert [] in [journal.clips(file) for file in FILES]
        journal._file.close()


@pytest.mark.parametrize("other", [SoundFile(FILES[0].path, 99, FILES[0].changed), SoundFile(FILES[0].path, 100, 5)])
def test_a_changed_file_has_no_clips_in_the_journal(target, folder, other):
    killed(target, folder)
    with ProgressJournal(target, folder) as journal:
        assert journal.clips(other) == []


def test_the_journal_of_another_folder_is_ignored(target, folder):
    killed(target, folder)
    with ProgressJournal(target, folder.parent) as journal:
        assert journal.clips(FILES[0]) == []


def test_the_journal_of_another_model_is_ignored(target, folder, monkeypatch):
    killed(target, folder)
    monkeypatch.setattr("data_prep.sounds.progress_journal.EMBEDDER", "another")
    with ProgressJournal(target, folder) as journal:
        assert journal.clips(FILES[0]) == []


def test_finished_runs_and_runs_that_embedded_nothing_leave_no_journal(target, folder):
    with ProgressJournal(target, folder) as journal:
        journal.add(FILES[0], clips_of(FILES[0]))
    with pytest.raises(ZeroDivisionError), ProgressJournal(target, folder):
        raise ZeroDivisionError
    assert list(target.parent.iterdir()) == []


def fail_after_one(journal):
    with journal:
        journal.add(FILES[0], clips_of(FILES[0]))
        raise ZeroDivisionError


def test_a_failed_run_leaves_its_journal(target, folder):
    with pytest.raises(ZeroDivisionError):
        fail_after_one(ProgressJournal(target, folder))
    with ProgressJournal(target, folder) as journal:
        assert same(journal.clips(FILES[0]), clips_of(FILES[0]))


def test_a_second_run_at_the_same_time_is_refused(target, folder):
    with ProgressJournal(target, folder), pytest.raises(OutputError, match="another run is writing"):
        ProgressJournal(target, folder)
    with ProgressJournal(target, folder):
        pass


def test_a_full_disk_raises_an_error_that_says_so(target, folder):
    journal = ProgressJournal(target, folder)
    journal._file.close()
    journal._file = Path("/dev/full").open("ab")  # noqa: SIM115  (the journal closes it)
    with pytest.raises(OutputError, match="not enough room"):
        fail_after_one(journal)
