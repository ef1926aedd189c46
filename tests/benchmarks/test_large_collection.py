"""The benchmark of a large collection: what it measures, and what it prints."""

import re
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import audioset_like
from benchmarks import large_collection as benchmark
from benchmarks.ground_truth import GroundTruth
from benchmarks.large_collection import FRAME_SETTINGS, SETTINGS, Measured, main, measure
from benchmarks.search_problem import SearchProblem
from lsh import EncodedVectors, SketchIndex

X = np.random.default_rng(0).standard_normal((2000, 8), dtype=np.float32)
Q = X[:25]


@pytest.fixture
def problem(tmp_path):
    """Return the file of a search problem, and the option that names it."""
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "Q.npy", Q)
    return SearchProblem("X", tmp_path / "X.npy", tmp_path / "Q.npy"), f"{tmp_path / 'X.npy'},{tmp_path / 'Q.npy'}"


class Pool:
    """A process that begins at once: this one."""

    def __init__(self, n, mp_context):
        assert (n, mp_context.get_start_method()) == (1, "spawn")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, call, *arguments):
        future = Future()
        future.set_result(call(*arguments))
        return future


def test_answers_of_each_type_and_setting_are_measured_with_times_and_memory(problem, monkeypatch):
    now, busy, asked = [100.0], [50.0], []

    def fit(index, vectors, usual=SketchIndex.fit):
        now[0], busy[0] = now[0] + 2, busy[0] + 3
        return usual(index, vectors)

    def interleaved(timers, blocks, rounds):
        asked.append((len(timers), list(blocks), rounds))
        for number in range(rounds):  # block b of setting s takes s + b milliseconds, in the fourth round less
            for block in blocks:
                values = [1e-3 * (s + block + (9 if number != 3 else 0)) for s in range(len(timers))]
                yield SimpleNamespace(query=block, values=values)

    monkeypatch.setattr(SketchIndex, "fit", fit)
    clock = SimpleNamespace(perf_counter=lambda: now[0], process_time=lambda: busy[0])
    for name, fake in {"time": clock, "interleaved": interleaved, "warm": lambda: None}.items():
        monkeypatch.setattr(benchmark, name, fake)
    monkeypatch.setattr(benchmark, "peak", lambda: 70_000_000)
    monkeypatch.setattr(benchmark, "resident", lambda: 50_000_000)
    found = measure(problem[0], "euclidean", ["float32", "uint8"])
    index = SketchIndex("euclidean").fit(X)
    assert found[:5] == (2.0, 3.0, 70.0, 50.0, index.nbytes / 1e6)
    assert asked == [(12, [0, 1, 2], 5)]
    assert [ms for _, ms in found.answers] == pytest.approx([(3 * s + 0 + 1 + 2) / 25 for s in range(12)])
    stored = EncodedVectors.encode(X, "uint8")
    rows = stored.stored.astype(np.float64) * stored.scale + stored.offset
    for setting, (ids, _), (rounded, _) in zip(SETTINGS, found.answers[::2], found.answers[1::2], strict=True):
        np.testing.assert_array_equal(ids, index.search(Q, 10, *setting).ids)
        for q, own in enumerate(rounded):  # the nearest of the rounded values, in order
            distances = np.linalg.norm(rows[own] - Q[q], axis=1)
            assert (np.diff(distances) >= -1e-5).all()
    everything = np.argsort(np.linalg.norm(rows - Q[:, None], axis=2), axis=1)[:, :10]
    assert np.mean(found.answers[-1][0] == everything) > 0.9  # all of the buckets, and 200 rows of 2,000


def test_a_block_is_ten_queries_searched_one_at_a_time(monkeypatch):
    now, asked = [100.0], []

    class Index:
        def search(self, queries, k, n_probes, n_reranked):
            asked.append((queries.tolist(), k, n_probes, n_reranked))
            now[0] += 0.5

    monkeypatch.setattr(benchmark, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    seconds = benchmark._block_timer(Index(), np.arange(25)[:, None], 8, 40)
    assert [seconds(block) for block in range(3)] == [5.0, 5.0, 2.5]
    assert asked == [([[q]], 10, 8, 40) for q in range(25)]


OUT = """\
X, euclidean; Some processor, 3 cores, load 0.5
built in 12.3 s (34.6 s of processor time on all cores together)
the index takes 60 MB without the vectors
memory with the vectors' pages: 50 MB, 70 MB while building

| probes | re-ranked | recall@10, uint8 | ms per query, uint8 | recall@10, float32 | ms per query, float32 |
|    --: |       --: |              --: |                 --: |                --: |                   --: |
"""


@pytest.mark.parametrize("kept", [False, True])
def test_seconds_memory_and_recall_of_every_setting_are_printed(problem, tmp_path, capsys, monkeypatch, kept):
    truth = GroundTruth.compute(X, Q, "euclidean", 10)
    nearest = np.argsort(np.linalg.norm(X - Q[:, None], axis=2), axis=1)[:, :10]

    def measured(given, metric, dtypes):
        assert (given.base, metric, dtypes) == (problem[0].base, "euclidean", ["uint8", "float32"])
        answers = []
        for i in range(12):  # the i-th answers lack i of the ten
            ids = nearest.copy()
            ids[:, 10 - min(i, 10) :] = -1
            answers.append((ids, 1.5 * i))
        return Measured(12.34, 34.56, 70.4, 50.4, 60.4, answers)

    for name, fake in {"measure": measured, "ProcessPoolExecutor": Pool}.items():
        monkeypatch.setattr(benchmark, name, fake)
    monkeypatch.setattr(benchmark, "describe", lambda: {"cpu": "Some processor", "cores": 3, "load": 0.5})
    monkeypatch.setattr(benchmark, "CACHE", tmp_path if kept else tmp_path / "other")
    options = ["--dataset", problem[1], "--metric", "euclidean", "--dtype", "uint8", "float32"]
    assert main(options) == 0
    rows = [
        f"|    {probes:3} |       {ranked:3} |            {1 - i / 5:.3f} |               {3 * i:.3f} |              "
        f"{max(0, 0.9 - i / 5):.3f} |                 {3 * i + 1.5:.3f} |"
        for i, (probes, ranked) in enumerate(SETTINGS)
    ]
    lines = capsys.readouterr().out.splitlines()
    assert lines[:7] == OUT.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (*lines[7:13], *rows)]
    assert cells[:6] == cells[6:]
    assert truth.recalls(nearest).min() == 1
    note = f"{problem[0].base} is kept for the next run; delete it when you no longer need it."
    assert lines[13:] == (["", note] if kept else [])


def test_a_process_of_its_own_measures(problem, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "describe", lambda: {"cpu": "Some processor", "cores": 3, "load": 0.5})
    assert main(["--dataset", problem[1], "--queries", "3"]) == 0
    assert "| 8 | 40 | " in " ".join(capsys.readouterr().out.split())


def test_frames_are_searched_and_fused_to_clips(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "CACHE", tmp_path)
    assert main(["--frames", "30000", "--queries", "40"]) == 0
    text = capsys.readouterr().out
    assert "30,000 frames of 3,000 clips like AudioSet's, cosine, uint8; 4 clips as queries" in text
    assert re.search(r"one thread reads \d+\.\d\d GB/s from the disk, and \d+\.\d GB/s from memory", text)
    assert re.search(r"exact search, all queries in one batch on all cores: \d+ ms per clip", text)
    rows = [[float(cell.replace(",", "")) for cell in line.strip("| ").split("|")] for line in table_of(text)]
    assert [(int(p), int(r)) for p, r, *_ in rows] == FRAME_SETTINGS
    recalls = np.array(rows)[:, 2:5]
    assert (recalls > 0.5).all()
    assert (np.diff(recalls[:, 0]) >= 0).all()
    assert recalls[-1, 0] > 0.97
    assert np.load(tmp_path / "frames-30000.npy").shape == (30_000, 128)


def table_of(text):
    return [line for line in text.splitlines() if re.match(r"\| +\d", line)]


def test_frames_fuse_to_the_clips_that_they_are_of():
    frames = np.array([[3, 14, 25], [14, 3, -1], [25, 14, 3]] + [[-1, -1, -1]] * 7)
    distances = np.float32([[0.1, 0.2, 0.4], [0.1, 0.3, 9], [0.3, 0.4, 0.5]] + [[9, 9, 9]] * 7)
    found = benchmark.fused_clips(frames, distances, 30)
    assert found.tolist() == [[1, 0, 2, *[-1] * 7]]  # sums of similarities: 0.8 + 0.9 + 0.6; 0.9 + 0.7 + 0.5; 0.6 + 0.7


def test_the_frames_of_generated_clips_have_the_clips_for_their_means():
    model = audioset_like.draw_model()
    frames, clips = (next(make(model, 50, 5)) for make in (audioset_like.frames, audioset_like.clips))
    assert (frames.shape, frames.dtype) == ((500, 128), np.uint8)
    means = frames.reshape(50, 10, 128).mean(axis=1, dtype=np.float64) * 4 / 255 - 2
    np.testing.assert_allclose(clips, means, atol=1e-6)
