"""The 22 exports of other people's programs, each against its right value."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from data_prep.errors import InputError
from data_prep.vectors.clip_columns import safe_id
from tests.data_prep.vectors.prepared import prepare

FOLDER = Path(os.environ.get("EARSHOT_TEST_DATA", Path(__file__).parents[4] / "shared")) / "cases/vectors"
EXPECTED = json.loads((FOLDER / "expected.json").read_text()) if (FOLDER / "expected.json").is_file() else {}
pytestmark = pytest.mark.skipif(not EXPECTED, reason="the exports are not there: set EARSHOT_TEST_DATA to test on them")


def arguments(words):
    """Return the file, its metadata, and the other options of a command line."""
    options, label = {}, []
    for option, value in zip(words[1::2], words[2::2], strict=True):
        if option == "--label":
            label.append(value)
        else:
            options[option.removeprefix("--")] = value
    meta = options.pop("meta", None)
    return FOLDER / words[0], meta and FOLDER / meta, {**options, "label": label}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_becomes_what_its_owner_expects(name, tmp_path):
    wanted = EXPECTED[name]
    path, meta, options = arguments(wanted["args"])
    if wanted.get("refuse"):
        with pytest.raises(InputError) as refused:
            prepare(path, tmp_path / "out", meta, **options)
        assert all(word in str(refused.value) for word in wanted["must_say"])
        assert not (tmp_path / "out").exists()
        return
    outcome, rows, dataset = prepare(path, tmp_path / "out", meta, **options)
    assert (outcome.n_rows, dataset.dim) == (wanted["rows"], wanted["dim"])
    assert sorted(outcome.left_out) == wanted["bad_rows"]
    assert len(rows) == wanted["rows"] - len(wanted["bad_rows"])
    first_id = wanted.get("first_id")
    if name.startswith("06"):  # the other fair answer
        first_id = wanted["also_ok"]["first_id"]
    if first_id is None:
        first = min(rows.values(), key=lambda row: np.abs(row["vector"][:3] - wanted["first_values"]).max())
    else:
        first = rows[safe_id(first_id)]
    assert first["vector"][:3] == pytest.approx(wanted["first_values"], abs=6e-5)
    if "last_values" in wanted:
        assert rows[safe_id(wanted["last_id"])]["vector"][:3] == pytest.approx(wanted["last_values"], abs=6e-5)
    assert "last_id" not in wanted or safe_id(wanted["last_id"]) in rows
    assert first["labels"][:1] == [wanted["first_label"]] if "first_label" in wanted else True
    for field, column in {"title": "title", "audio": "media", "start": "start_s", "end": "end_s"}.items():
        if f"first_{field}" in wanted:
            assert first[column] == wanted[f"first_{field}"]
    if "labels_in_order" in wanted:
        ids = [f"{number:03}" for number in range(wanted["rows"])]
        assert [next(iter(rows[key]["labels"]), None) for key in ids] == wanted["labels_in_order"]
        assert ["013" in outcome.left_over[0], "900" in outcome.left_over[1]] == [True, True]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith("08")])
def test_a_time_with_a_zone_keeps_it_across_the_change_of_clocks(name, tmp_path):
    path, meta, options = arguments(EXPECTED[name]["args"])
    _, rows, _ = prepare(path, tmp_path / "out", meta, **options)
    assert rows["1000"]["extra_recorded_at"].isoformat() == "2024-03-30T23:00:00+01:00"
    assert rows["1000"]["labels"] == ["noise", rows["1000"]["labels"][1]]
