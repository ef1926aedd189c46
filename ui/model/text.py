"""Untrusted text (labels, file names, error messages) made safe for Markdown and for spreadsheets."""

import re

# Streamlit reads Markdown, `:colour[...]`, `:material/...:`, `:emoji:`, `$maths$` and HTML in labels and in text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&=@^/\"'])")
# Bidirectional overrides and other invisible control characters can make text display as different text.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would evaluate such a cell as a formula
_MAX_LENGTH = 300


def clean(text: object, longest: int = _MAX_LENGTH) -> str:
    """Return `text` as one line of at most `longest` characters, without control characters; not escaped."""
    line = " ".join(_INVISIBLE.sub("", str(text)[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def plain(text: object, longest: int = _MAX_LENGTH) -> str:
    """Return `text` escaped for Streamlit's Markdown, so that it shows as typed: no links, images or formatting."""
    return _SPECIAL.sub(r"\\\1", clean(text, longest))


def without_formula(cell: str) -> str:
    """Return a cell with an apostrophe before it if spreadsheets would evaluate it as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
