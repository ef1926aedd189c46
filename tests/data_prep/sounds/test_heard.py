"""What was heard of files outlives the process that heard it, and is believed only if it is whole."""

from pathlib import Path

import numpy as np
import pytest

from data_prep.errors import OutputError
from data_prep.sounds.heard import HeardClip, HeardJournal
from data_prep.sounds.walk import SoundFile

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
        HeardClip(0.0, 10 / 3, ("Bell", "Été"), 20, features[0], features[1]),
        HeardClip(10 / 3, 4.1, (), 1, features[2], features[3]),
    ]


def same(ours, theirs):
    plain = [[(c.start_s, c.end_s, c.suggested, c.n_frames) for c in clips] for clips in (ours, theirs)]
    arrays = [[a for c in clips for a in (c.feature, c.excerpt) if a is not None] for clips in (ours, theirs)]
    pairs = zip(*arrays, strict=True)
    return plain[0] == plain[1] and all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


def killed(target, folder, files=FILES):
    """Write a journal as a process does that is killed then, and return its bytes."""
    journal = HeardJournal(target, folder, 1.0)
    for file in files:
        journal.add(file, clips_of(file))
    path = target.parent / ".made.heard"
    data = path.read_bytes()
    journal._file.close()
    return path, data


def test_what_was_heard_comes_back_to_the_last_bit(target, folder):
    killed(target, folder)
    with HeardJournal(target, folder, 1.0) as journal:
        assert all(same(journal.clips(file), clips_of(file)) for file in FILES)


def test_a_journal_cut_anywhere_gives_the_whole_lines_before_and_goes_on(target, folder):
    path, data = killed(target, folder)
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for cut in [*range(0, len(data), 211), *ends, *(end - 1 for end in ends)]:
        path.write_bytes(data[:cut])
        n_whole = sum(end <= cut for end in ends)
        journal = HeardJournal(target, folder, 1.0)
        assert [journal.clips(file) is not None for file in FILES] == [i < n_whole for i in range(4)]
        journal.add(FILES[-1], clips_of(FILES[-1]))
        journal._file.close()
        journal = HeardJournal(target, folder, 1.0)
        assert same(journal.clips(FILES[-1]), clips_of(FILES[-1]))
        journal._file.close()


def test_a_changed_byte_is_never_believed(target, folder):
    path, data = killed(target, folder)
    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        journal = HeardJournal(target, folder, 1.0)
        assert all(clips is None or same(clips, clips_of(file)) for file in FILES for clips in [journal.clips(file)])
        assert None in [journal.clips(file) for file in FILES]
        journal._file.close()


@pytest.mark.parametrize("other", [SoundFile(FILES[0].path, 99, FILES[0].changed), SoundFile(FILES[0].path, 100, 5)])
def test_a_file_that_has_changed_is_not_known(target, folder, other):
    killed(target, folder)
    with HeardJournal(target, folder, 1.0) as journal:
        assert journal.clips(other) is None


def test_another_folders_journal_is_not_believed(target, folder):
    killed(target, folder)
    with HeardJournal(target, folder.parent, 1.0) as journal:
        assert journal.clips(FILES[0]) is None


def test_another_models_journal_is_not_believed(target, folder, monkeypatch):
    killed(target, folder)
    monkeypatch.setattr("data_prep.sounds.heard.EMBEDDER", "another")
    with HeardJournal(target, folder, 1.0) as journal:
        assert journal.clips(FILES[0]) is None


def test_excerpts_are_dropped_where_fewer_are_wanted_and_missed_where_more(target, folder):
    file = SoundFile("x.wav", 1, 1)
    killed(target, folder, [file])
    journal = HeardJournal(target, folder, 0.0)
    kept = journal.clips(file)
    assert [clip.excerpt for clip in kept] == [None, None]
    journal.add(file, kept)
    journal._file.close()
    with HeardJournal(target, folder, 1.0) as journal:
        assert journal.clips(file) is None


def test_done_work_and_work_that_never_began_leave_no_journal(target, folder):
    with HeardJournal(target, folder, 1.0) as journal:
        journal.add(FILES[0], clips_of(FILES[0]))
    with pytest.raises(ZeroDivisionError), HeardJournal(target, folder, 1.0):
        raise ZeroDivisionError
    assert list(target.parent.iterdir()) == []


def fail_after_one(journal):
    with journal:
        journal.add(FILES[0], clips_of(FILES[0]))
        raise ZeroDivisionError


def test_failed_work_leaves_its_journal(target, folder):
    with pytest.raises(ZeroDivisionError):
        fail_after_one(HeardJournal(target, folder, 1.0))
    with HeardJournal(target, folder, 1.0) as journal:
        assert same(journal.clips(FILES[0]), clips_of(FILES[0]))


def test_two_runs_at_once_do_not_mix(target, folder):
    with HeardJournal(target, folder, 1.0), pytest.raises(OutputError, match="another run is at work on"):
        HeardJournal(target, folder, 1.0)
    with HeardJournal(target, folder, 1.0):
        pass


def test_a_full_disk_is_told_in_words(target, folder):
    journal = HeardJournal(target, folder, 1.0)
    journal._file.close()
    journal._file = Path("/dev/full").open("ab")  # noqa: SIM115  (the journal closes it)
    with pytest.raises(OutputError, match="not enough room"):
        fail_after_one(journal)
