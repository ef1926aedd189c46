"""`python -m data_prep` as a process: its exit codes, its output, and what it leaves on disk."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.__main__ import main
from data_prep.dataset import open_dataset, verify_dataset
from tests.data_prep.audioset_files import clips, shard, write_archive, write_folder, write_labels
from tests.data_prep.small_datasets import write

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

# Sends itself a signal once 4 batches of clips have been written, like Ctrl-C or a kill.
INTERRUPTED = """
import os, sys
from data_prep import __main__
from data_prep.audioset import parsing
from data_prep.dataset import writer
signal = int(sys.argv.pop())
parsing._BATCH = 10
add, calls = writer.DatasetWriter.add, []
def add_and_stop(self, batch):
    add(self, batch)
    calls.append(batch)
    if len(calls) == 4:
        os.kill(os.getpid(), signal)
writer.DatasetWriter.add = add_and_stop
sys.exit(__main__.main(sys.argv[1:]))
"""

WRITE_A_DATASET = """
import sys
from data_prep import __main__
from data_prep.sample import build
from tests.data_prep import small_datasets
build.write_sample = lambda out, **_: small_datasets.write(out, n=300)
sys.exit(__main__.main(["sample", "--out", *sys.argv[1:]]))
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    shards = {f"eval/z{i}.tfrecord": shard(clips(f"z{i}", 10)) for i in range(10)}
    features = write_archive(tmp_path / "features.tar.gz", shards)
    labels = write_labels(tmp_path / "labels.csv")
    words = ["convert", "--features", features, "--labels", labels, "--out", tmp_path / "out" / "d"]
    return [str(word) for word in words]


def run(*words: object, code: str | None = None, root: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command without writing .pyc files, which a limit on the size of files would cut."""
    start = ["-m", "data_prep"] if code is None else ["-c", code]
    arguments = [sys.executable, "-B", *start, *map(str, words)]
    return subprocess.run(arguments, cwd=root, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_ctrl_c_prints_a_message_and_leaves_nothing(command: list[str], root: Path, tmp_path: Path) -> None:
    done = run(*command, signal.SIGINT.value, code=INTERRUPTED, root=root)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "interrupted: no incomplete file is left"
    assert done.stdout == ""
    assert list((tmp_path / "out").iterdir()) == []


def test_a_kill_keeps_the_old_dataset_and_the_next_run_cleans_up(
    command: list[str], root: Path, tmp_path: Path
) -> None:
    target = write(tmp_path / "out" / "d")
    killed = run(*command, "--overwrite", signal.SIGKILL.value, code=INTERRUPTED, root=root)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(path.suffix for path in target.parent.iterdir()) == ["", ".lock", ".tmp"]
    assert verify_dataset(target) == []
    assert open_dataset(target).title == "Thirty clips"
    assert main([*command, "--overwrite"]) == 0
    assert list(target.parent.iterdir()) == [target]
    assert verify_dataset(target) == []
    assert open_dataset(target).n_rows("test") == 100


@pytest.mark.parametrize("size", [100, 2_000, 5_000])
def test_a_disk_too_small_for_the_output_is_one_message(root: Path, tmp_path: Path, size: int) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = run(tmp_path / "out" / "d", code=WRITE_A_DATASET, root=root, preexec_fn=limit)
    assert done.returncode == 2
    (message,) = done.stderr.splitlines()
    assert message.startswith(f"error: cannot write {tmp_path}/out/d: File too large; there is not enough room")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_conversion_prints_only_its_progress_and_its_summary(command: list[str], root: Path, tmp_path: Path) -> None:
    done = run(*command, root=root)
    assert done.returncode == 0
    assert all(line.startswith("reading:") for line in done.stderr.replace("\r", "\n").splitlines() if line)
    summary, *notes = done.stdout.splitlines()
    assert summary.startswith(f"{tmp_path}/out/d: AudioSet, 100 clips, 550 frames; test 100; ")
    assert notes == ["  90 clips have fewer than 10 frames."]


def test_verify_reports_a_valid_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(write(tmp_path / "d"))]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'd'} is valid: Thirty clips, 5 files\n"


def test_verify_lists_what_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "d")
    for name in ("train.npy", "test.npy"):
        data = bytearray((path / name).read_bytes())
        data[-1] ^= 1
        (path / name).write_bytes(data)
    assert main(["verify", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    head, *problems = captured.err.splitlines()
    assert head == f"error: {path} is damaged:"
    assert [problem.split(":")[0] for problem in problems] == ["  test.npy", "  train.npy"]


def test_verify_of_a_folder_that_is_not_a_dataset_is_one_message(root: Path, tmp_path: Path) -> None:
    done = run("verify", tmp_path, root=root)
    assert done.returncode == 1
    assert "manifest.json is missing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [[], ["convert"], ["convert", "--features", "x"], ["dance"]])
def test_a_malformed_command_names_what_was_expected(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: python -m data_prep" in capsys.readouterr().err


def test_every_option_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["convert", "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--features", "--labels", "--segments", "--ontology", "--out", "--frames", "--keep-going"):
        assert option in shown


def test_segments_may_be_given_together_or_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    features = write_folder(tmp_path / "in", {"eval/zz.tfrecord": shard(clips("zz", 1))})
    base = ["convert", "--features", str(features), "--labels", str(write_labels(tmp_path / "l.csv"))]
    base += ["--out", str(tmp_path / "d")]
    for words in (["--segments", "a_eval.csv", "b_eval.csv"], ["--segments", "a_eval.csv", "--segments", "b_eval.csv"]):
        assert main([*base, *words]) == 2
        assert "cannot read a_eval.csv" in capsys.readouterr().err


def test_the_sample_is_written_with_the_options_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = []
    monkeypatch.setattr("data_prep.sample.build.write_sample", lambda out, **options: calls.append((out, options)))
    assert main(["sample", "--out", str(tmp_path / "s")]) == 0
    assert main(["sample", "--out", str(tmp_path / "s"), "--clips", "70", "--overwrite"]) == 0
    assert calls == [
        (tmp_path / "s", {"clips": 20_000, "overwrite": False}),
        (tmp_path / "s", {"clips": 70, "overwrite": True}),
    ]
