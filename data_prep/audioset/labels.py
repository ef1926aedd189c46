"""AudioSet's label table, and the definitions and parents of labels in its ontology."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from data_prep.dataset.schema import Label
from data_prep.errors import InputError

_COLUMNS = ["index", "mid", "display_name"]
_MAX_LABELS = 1 << 15  # indices are int16 in the format


def read_labels(path: Path, ontology: Path | None = None) -> list[Label]:
    """Read `class_labels_indices.csv`, and with `ontology.json` the definition and the parents of each label.

    Raises InputError naming the file and the invalid line.
    """
    nodes = _read_ontology(ontology) if ontology else {}
    labels: list[Label] = []
    mids = set()
    for place, (line, row) in enumerate(read_csv(path)):
        if place == 0:
            if row != _COLUMNS:
                raise InputError(
                    f"{path} is not AudioSet's label table: its first line is {','.join(row)!r:.80}, expected "
                    f"{','.join(_COLUMNS)!r}, as in class_labels_indices.csv"
                )
            continue
        if len(row) != len(_COLUMNS) or row[0] != str(len(labels)) or row[1] in mids or not all(row):
            raise InputError(
                f"{path}, line {line}: {','.join(row)!r:.80} is not label {len(labels)}; expected its index, a new "
                "mid and a name; get class_labels_indices.csv again"
            )
        labels.append(Label(row[1], row[2], *nodes.get(row[1], ())))
        mids.add(row[1])
    if not 0 < len(labels) <= _MAX_LABELS:
        raise InputError(f"{path} lists {len(labels):,} labels, expected 1 to {_MAX_LABELS:,}")
    return labels


def read_csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of every row of a CSV file but blank ones; raise InputError for an invalid one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            yield from ((reader.line_num, row) for row in reader if any(map(str.strip, row)))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; expected one of AudioSet's CSV files") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file of AudioSet ({error})") from None


def _read_ontology(path: Path) -> Mapping[str, tuple[tuple[str, ...], str]]:
    """Return the names of each node's parents and its definition, by the node's mid."""
    try:
        nodes = json.loads(path.read_bytes())
        names = {node["id"]: node["name"] for node in nodes}
        definitions = {node["id"]: node.get("description") or "" for node in nodes}
        parents: dict[str, list[str]] = {mid: [] for mid in names}
        for node in nodes:
            for child in node["child_ids"]:
                parents[child].append(names[node["id"]])
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; expected AudioSet's ontology.json") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is not AudioSet's ontology.json ({type(error).__name__}: {error})") from None
    if not names or not all(isinstance(text, str) for text in (*names, *names.values(), *definitions.values())):
        raise InputError(f"{path} is not AudioSet's ontology.json: expected a list of nodes, each with id and name")
    return {mid: (tuple(names_of_parents), definitions[mid]) for mid, names_of_parents in parents.items()}
