"""Comparison of this version with another one: here, with itself."""

import numpy as np

from benchmarks.versions.__main__ import _Setting, _worth_timing, main


def test_both_versions_are_measured_at_the_same_recall(tmp_path, root, capsys):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 16))[rng.integers(0, 20, 1500)] + 0.5 * rng.standard_normal((1500, 16))
    np.save(tmp_path / "X.npy", X[:1400].astype(np.float32))
    np.save(tmp_path / "Q.npy", X[1400:].astype(np.float32))
    files = f"{tmp_path / 'X.npy'},{tmp_path / 'Q.npy'}"
    assert main([str(root), "--dataset", files, "--queries", "50", "--rounds", "1", "--recall", "0.9"]) == 0
    out = capsys.readouterr().out
    row = [cell.strip() for cell in out.splitlines()[-1].split("|")]
    assert row[1] == "0.9"
    this, other, ratio = (float(cell.replace(",", "")) for cell in row[2:5])
    assert abs(ratio - this / other) < 0.01
    assert row[5].split(":")[0].startswith("n_buckets")


def test_a_folder_without_a_version_is_refused(tmp_path, capsys):
    assert main([str(tmp_path), "--dataset", "like:100"]) == 2
    assert "holds no version of this project" in capsys.readouterr().err


def test_a_setting_is_timed_where_it_may_be_on_the_front_at_or_just_below_a_wanted_recall():
    def of(recall, qps):
        return _Setting("this", 4, {}, recall, 100.0, 1 / qps)

    settings = [of(0.95, 100.0), of(0.95, 10.0), of(0.5, 1000.0), of(0.99, 99.0)]
    assert [_worth_timing(setting, settings, [0.9]) for setting in settings] == [True, False, False, True]
