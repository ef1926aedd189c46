"""Stages of a long build: logged at INFO with their seconds, and silent by default."""

import logging
import re

import numpy as np
import pytest

import lsh
from earshot_common import stages

TABLES = ["hash functions", "hashing", "measuring the default setting", "sorting the tables"]
SKETCHES = ["learning the buckets", "sorting into buckets and sketching", "measuring the default setting"]


@pytest.mark.parametrize(("kind", "expected"), [(lsh.LSHIndex, TABLES), (lsh.SketchIndex, SKETCHES)])
def test_the_stages_of_a_build_are_logged_with_their_seconds(kind, expected, caplog, monkeypatch):
    X = np.random.default_rng(0).standard_normal((50, 4))
    monkeypatch.setattr(stages, "MIN_S", 0.0)
    kind().fit(X)
    assert not [record for record in caplog.records if record.levelno == logging.INFO]
    with caplog.at_level(logging.INFO, "lsh"):
        kind().fit(X)
    messages = [record.getMessage() for record in caplog.records if record.name == "lsh"]
    assert sorted({message.split(":")[0] for message in messages}) == sorted(expected)
    assert all(re.fullmatch(r"[a-z ]+: \d+\.\d s", message) for message in messages)


def test_a_stage_of_less_than_a_tenth_of_a_second_is_not_logged(caplog):
    with caplog.at_level(logging.INFO, "lsh"):
        stages.stage("lsh", "short")(lambda: None)()
    assert not caplog.records
