"""Manifest of a dataset (manifest.json): serialised, parsed and checked field by field."""

import json
from pathlib import Path
from typing import Any

from data_prep.dataset.schema import CLIPS, FORMAT, FORMAT_VERSION, FRAMES, LABELS, MAP, MEDIA_KINDS, METRICS, SPLITS
from data_prep.errors import DatasetError

_FIELDS: dict[str, type] = {
    **dict.fromkeys(("name", "title", "source", "licence", "media", "metric"), str),
    **dict.fromkeys(("features", "rows", "files"), dict),
    **dict.fromkeys(("labels", "frames"), int),
    **dict.fromkeys(("skipped", "notes"), list),
}
_REQUIRED_FILES = {CLIPS, LABELS, *(f"{split}.npy" for split in SPLITS)}
_OPTIONAL_FILES = {FRAMES, MAP}


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
    if version != FORMAT_VERSION:
        age = "a newer" if version > FORMAT_VERSION else "an older"
        raise DatasetError(
            f"{path} was written in format version {version} by {age} Earshot; this one reads version "
            f"{FORMAT_VERSION}: prepare the dataset again with it"
        )


def _first_problem(manifest: dict[str, Any]) -> str | None:
    for field, kind in _FIELDS.items():
        value = manifest.get(field)
        if not isinstance(value, kind) or (kind is int and not _is_count(value)):
            return f"{field!r} is {value!r:.60}, expected {'a whole number' if kind is int else kind.__name__}"
    if manifest["media"] not in MEDIA_KINDS:
        return f"'media' is {manifest['media']!r:.60}, expected one of {', '.join(MEDIA_KINDS)}"
    if manifest["metric"] not in METRICS:
        return f"'metric' is {manifest['metric']!r:.60}, expected one of {', '.join(METRICS)}"
    if set(manifest["rows"]) != set(SPLITS) or not all(map(_is_count, manifest["rows"].values())):
        return f"'rows' is {manifest['rows']!r:.60}, expected a count for each of {', '.join(SPLITS)}"
    dim = manifest["features"].get("dim")
    if not _is_count(dim) or dim == 0 or manifest["features"].get("dtype") != "float32":
        return f"'features' is {manifest['features']!r:.60}, expected dim of 1 or more and dtype float32"
    return _problem_of_files(manifest["files"]) or _problem_of_map(manifest)


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


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
