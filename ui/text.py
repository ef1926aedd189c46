"""The one door through which text from data reaches Streamlit's Markdown."""

import re

# Streamlit reads Markdown, `:colour[...]`, `:material/...:`, `:emoji:`, `$maths$` and HTML in labels and in text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&=@^/\"'])")
# Left-to-right overrides, isolates and other invisible controls can make text read as what it is not.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_LONGEST = 300


def clean(text: object, longest: int = _LONGEST) -> str:
    """Make `text` one line without invisible controls, at most `longest` characters; safe for `textContent` only."""
    line = " ".join(_INVISIBLE.sub("", str(text)[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def plain(text: object, longest: int = _LONGEST) -> str:
    """Make `text` show as typed where Streamlit expects Markdown: a link stays text, no image is fetched."""
    return _SPECIAL.sub(r"\\\1", clean(text, longest))
