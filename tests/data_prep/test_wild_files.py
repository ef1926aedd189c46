"""Mutated archives, tables, arrays, sounds and indexes through the commands: an answer or a sentence, and nothing else.

Most run in a worker that stays (`command_worker`), one in a hundred as a command of its own.
"""

import gzip
import json
import select
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.commands import main_of
from tests.data_prep.audioset_files import LABELS_CSV, clips, shard, tar_bytes, write_segments
from tests.data_prep.mutated import mutated
from tests.data_prep.sounds.test_mutations import originals as sounds
from tests.data_prep.vectors.test_mutations import PIECES
from tests.data_prep.vectors.test_mutations import originals as write_vectors
from tests.stress import IS_STRESS

N = 20_000 if IS_STRESS else 15
TIME_LIMIT_S = 240
MOST_GROWTH_KB = 1 << 20  # of the worker, over all its commands


class Worker:
    """A process that runs commands; one that does not answer within the limit is killed, and fails the test."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.data_prep.command_worker"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def run(self, *arguments):
        """Return (exit code, stderr, the worker's peak of memory in kB)."""
        self._process.stdin.write(json.dumps([str(argument) for argument in arguments]) + "\n")
        self._process.stdin.flush()
        answered, _, _ = select.select([self._process.stdout], [], [], TIME_LIMIT_S)
        assert answered, f"no answer within {TIME_LIMIT_S} s: {arguments}"
        line = self._process.stdout.readline()
        assert line, f"crashed: {arguments}"
        return json.loads(line)

    def close(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def worker(yamnet_here):
    one = Worker()
    yield one
    one.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a folder with a folder per command, of the files that it reads."""
    folder = tmp_path_factory.mktemp("whole")
    for name in ("convert", "folder", "vectors", "build", "search"):
        (folder / name).mkdir()
    x = np.random.default_rng(0).standard_normal((50, 8), dtype=np.float32)
    shards = {f"bal_train/{key}.tfrecord": shard(clips(key, 6)) for key in ("ab", "cd")}
    rows = [(f"{key}{i:09d}", 30.0, 40.0, [i % 3]) for key in ("ab", "cd") for i in range(6)]
    tar = tar_bytes((f"audioset_v1_embeddings/{name}", data) for name, data in shards.items())
    (folder / "convert" / "features.tar").write_bytes(tar)
    (folder / "convert" / "features.tar.gz").write_bytes(gzip.compress(tar))
    (folder / "convert" / "labels.csv").write_text(LABELS_CSV)
    write_segments(folder / "convert" / "balanced_train_segments.csv", rows)
    for number, sound in enumerate(sounds()):
        (folder / "folder" / f"{number}.sound").write_bytes(sound)
    write_vectors(folder / "vectors")
    np.save(folder / "build" / "x.npy", x)
    lines = np.hstack([np.full((50, 1), 8, "<i4").view("<f4"), x])
    (folder / "build" / "x.fvecs").write_bytes(lines.tobytes())
    np.save(folder / "search" / "q.npy", x[:5])
    assert main_of("lsh")(["build", str(folder / "build" / "x.npy"), "--out", str(folder / "search" / "x.lsh")]) == 0
    return folder


def arguments_of(command, path, rng):
    """Return the arguments of a command for files in the folder `path`, of which `path / "out"` is the result."""
    out = ["--out", path / "out"]
    if command == "convert":
        features = path / ("features.tar", "features.tar.gz")[rng.integers(2)]
        lists = ["--labels", path / "labels.csv", "--segments", path / "balanced_train_segments.csv"]
        return ["data_prep", command, "--features", features, *lists, *["--keep-going"] * rng.integers(2), *out]
    if command == "folder":
        return ["data_prep", command, path, *out]
    if command == "vectors":
        files = sorted(name.name for name in path.iterdir() if name.name != "meta.csv")
        return ["data_prep", command, path / files[rng.integers(len(files))], "--meta", path / "meta.csv", *out]
    if command == "build":
        return ["lsh", "build", path / ("x.npy", "x.fvecs")[rng.integers(2)], *out]
    return ["lsh", "search", path / "x.lsh", path / "q.npy", *out]


def damage(command, path, rng):
    """Mutate one of the files that the command reads, or two."""
    names = sorted(name.name for name in path.iterdir())
    for name in rng.choice(names, rng.integers(1, 3), replace=False):
        data = (path / name).read_bytes()
        if name.endswith(".gz") and rng.integers(2):  # what is compressed, and not the compression
            (path / name).write_bytes(gzip.compress(mutated(rng, gzip.decompress(data))))
        else:
            (path / name).write_bytes(
                mutated(rng, data, *((PIECES, 2) if name.endswith(("csv", "tsv", "jsonl")) else ()))
            )


def copy_of(whole, command, work, rng):
    """Copy the files of a command to `work`; of the many kinds of sounds and of vectors, two."""
    names = sorted(name.name for name in (whole / command).iterdir())
    if command in {"folder", "vectors"}:
        names = [*rng.choice([name for name in names if name != "meta.csv"], 2, replace=False)]
        names += ["meta.csv"] if command == "vectors" else []
    work.mkdir()
    for name in names:
        shutil.copy(whole / command / name, work / name)


def test_a_command_given_a_mutated_file_answers_or_says_why_not_and_leaves_nothing_half_written(
    whole, tmp_path, root, worker, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    rng, commands = np.random.default_rng(1), sorted(path.name for path in whole.iterdir())
    codes, peaks = [], []
    for number in range(N):
        command, work = commands[number % len(commands)], tmp_path / str(number)
        copy_of(whole, command, work, rng)
        damage(command, work, rng)
        before = {path.name for path in work.iterdir()}
        arguments = arguments_of(command, work, rng)
        if number % 101 == 14:  # each command in turn
            line = [sys.executable, "-m", *map(str, arguments)]
            done = subprocess.run(line, check=False, cwd=root, capture_output=True, text=True, timeout=TIME_LIMIT_S)
            code, said = done.returncode, done.stderr
        else:
            code, said, peak = worker.run(*arguments)
            peaks.append(peak)
        story = (number, arguments, code, said)
        assert code in ({0, 1, 2} if arguments[0] == "data_prep" else {0, 2}), story
        assert "Traceback" not in said, story
        assert code != 2 or said.strip(), story
        left = {path.name for path in work.iterdir()} - before
        assert left <= ({"out", "out.npz"} if code != 2 else set()), (story, left)
        if code != 2 and arguments[0] == "data_prep":
            assert worker.run("data_prep", "verify", work / "out")[0] == 0, story
        codes.append((command, code))
        shutil.rmtree(work)
    assert max(peaks) < peaks[len(peaks) // 4] + MOST_GROWTH_KB
    for command in commands:
        found = [code for name, code in codes if name == command]
        print(command, *(f"exit {code}: {found.count(code):,}" for code in (0, 1, 2)), sep="; ")
        assert len(found) < 100 or len(found) // 20 < found.count(2) < len(found), command
