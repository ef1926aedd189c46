"""Notes that a long work leaves on disk so that it can be taken up again after it was killed at any moment."""

import hashlib
import json
from pathlib import Path
from typing import Any

from earshot_common.atomic import write_file


def write_journal(path: Path, facts: dict[str, Any]) -> None:
    """Replace the notes by new ones, in one step."""
    text = json.dumps(facts)
    write_file(path, json.dumps({"sha256": _sum(text), "facts": text}).encode())


def read_journal(path: Path) -> dict[str, Any] | None:
    """Return the notes, or None where there are none or they are damaged: then the work begins anew."""
    try:
        notes = json.loads(path.read_bytes())
        facts: dict[str, Any] = json.loads(notes["facts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return facts if notes.get("sha256") == _sum(notes["facts"]) else None


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
