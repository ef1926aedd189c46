"""Manifest of a dataset (manifest.json): serialised, parsed and checked field by field."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.arrays import FEATURE_DTYPES
from data_prep.dataset.schema import (
    CLIPS,
    FORMAT,
    FORMAT_VERSION,
    FRAMES,
    LABELS,
    MAP,
    MEDIA_KINDS,
    METRICS,
    SPLITS,
)
from data_prep.errors import DatasetError
from earshot_common.encoded_vectors import EncodedVectors

_FIELDS: dict[str, type] = {
    **dict.fromkeys(("name", "title", "source", "licence", "media", "metric"), str),
    **dict.fromkeys(("features", "rows", "files"), dict),
    **dict.fromkeys(("labels", "frames"), int),
    **dict.fromkeys(("skipped", "notes"), list),
}
_REQUIRED_FILES = {CLIPS, LABELS, *(f"{split}.npy" for split in SPLITS)}
_OPTIONAL_FILES = {FRAMES, MAP}
_MEDIA_KINDS_1, _FEATURE_DTYPES_1 = ("youtube", "file", "synth"), ("float32",)  # of format version 1
_MAX_FLOAT32 = float(np.finfo(np.float32).max)


def parse_manifest(data: bytes, path: Path) -> dict[str, Any]:
    """Return the manifest in `data`, or raise DatasetError naming `path` and the field that is wrong."""
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not JSON ({error}); prepare the dataset again") from None
    _check_version(manifest, path)
    problem = _first_problem(manifest)
    if problem:
        raise DatasetError(f"{path}: {problem}; prepare the dataset again")
    return manifest  # type: ignore[no-any-return]  # _check_version rejects all but objects


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """Return the bytes of manifest.json: indented; equal manifests give equal bytes."""
    return (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()


def _check_version(manifest: object, path: Path) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DatasetError(f'{path} does not describe a prepared dataset: expected "format": "{FORMAT}"')
    version: Any = manifest.get("format_version")
    if not _is_count(version):
        raise DatasetError(f"{path}: format_version is {version!r}, expected a whole number")
    if not 1 <= version <= FORMAT_VERSION:
        age = "a newer" if version > FORMAT_VERSION else "an older"
        raise DatasetError(
            f"{path} was written in format version {version} by {age} Earshot; this one reads versions 1 to "
            f"{FORMAT_VERSION}: prepare the dataset again with it"
        )


def _first_problem(manifest: dict[str, Any]) -> str | None:
    for field, kind in _FIELDS.items():
        value = manifest.get(field)
        if not isinstance(value, kind) or (kind is int and not _is_count(value)):
            return f"{field!r} is {value!r:.60}, expected {'a whole number' if kind is int else kind.__name__}"
    kinds = _MEDIA_KINDS_1 if manifest["format_version"] == 1 else MEDIA_KINDS
    if manifest["media"] not in kinds:
        return f"'media' is {manifest['media']!r:.60}, expected one of {', '.join(kinds)}"
    if manifest["metric"] not in METRICS:
        return f"'metric' is {manifest['metric']!r:.60}, expected one of {', '.join(METRICS)}"
    if set(manifest["rows"]) != set(SPLITS) or not all(map(_is_count, manifest["rows"].values())):
        return f"'rows' is {manifest['rows']!r:.60}, expected a count for each of {', '.join(SPLITS)}"
    return (
        _problem_of_features(manifest["features"], manifest["format_version"])
        or _problem_of_files(manifest["files"])
        or _problem_of_map(manifest)
        or _problem_of_definitions(manifest)
    )


def _problem_of_features(features: dict[str, Any], version: int) -> str | None:
    dim, dtype = features.get("dim"), features.get("dtype")
    dtypes = _FEATURE_DTYPES_1 if version == 1 else FEATURE_DTYPES
    if not _is_count(dim) or dim == 0 or dtype not in dtypes:
        expected = f"dim of 1 or more and dtype {' or '.join(dtypes)}"
        return f"'features' says dim {dim!r:.60} and dtype {dtype!r:.60}, expected {expected}"
    return _problem_of_encoding(features) if version > 1 else None


def _problem_of_encoding(features: dict[str, Any]) -> str | None:
    given = {name: features[name] for name in ("scale", "offset") if name in features}
    if features["dtype"] != "uint8":
        return f"'features' says {given!r:.80}, expected them for dtype uint8 only" if given else None
    if len(given) < 2 or not all(map(_is_float32, given.values())):
        return f"'features' says {given!r:.120}, expected scale and offset, numbers in the range of float32"
    scale, offset = float(given["scale"]), float(given["offset"])
    if abs(offset) + 255 * scale > _MAX_FLOAT32:
        return f"'features' says scale {scale:g} and offset {offset:g}, expected values in the range of float32"
    try:
        EncodedVectors(np.empty((0, 1), np.uint8), scale, offset)
    except ValueError as error:
        return f"'features' is wrong: {error}"
    return None


def _problem_of_files(files: dict[str, Any]) -> str | None:
    if not _REQUIRED_FILES <= set(files) <= _REQUIRED_FILES | _OPTIONAL_FILES:
        perhaps = " or ".join(sorted(_OPTIONAL_FILES))
        return f"'files' names {sorted(files)!r:.200}, expected {sorted(_REQUIRED_FILES)} and perhaps {perhaps}"
    for name, facts in files.items():
        if not isinstance(facts, dict) or not _is_count(facts.get("bytes")) or not isinstance(facts.get("sha256"), str):
            return f"'files' says {facts!r:.60} of {name}, expected its bytes and its sha256"
    return None


def _problem_of_map(manifest: dict[str, Any]) -> str | None:
    made = manifest.get("map")
    if MAP in manifest["files"] and not (isinstance(made, dict) and isinstance(made.get("method"), str)):
        return f"'map' is {made!r:.60}, expected the method by which {MAP} was made"
    return None


def _problem_of_definitions(manifest: dict[str, Any]) -> str | None:
    made = manifest.get("definitions")
    if made is None or manifest["format_version"] == 1:
        return None
    if not isinstance(made, dict) or not all(isinstance(made.get(name), str) for name in ("source", "licence")):
        return f"'definitions' is {made!r:.60}, expected source and licence of the labels' definitions"
    return None


def _is_float32(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_FLOAT32


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
