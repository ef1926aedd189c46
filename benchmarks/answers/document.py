"""The document docs/ANSWERS.md: template.md filled in with the figures of docs/answers.json."""

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks.answers import aggregation, families, feedback, parameters, predicted_recall, quality, speed
from benchmarks.answers.formatting import Record

_TEMPLATE = Path(__file__).with_name("template.md")
_SECTIONS: dict[str, Callable[[Any], Record | str]] = {  # of the template, in its order, by the name of their figures
    "parameters": parameters.fields,
    "speed": speed.fields,
    "quality": quality.fields,
    "aggregation": aggregation.fields,
    "feedback": feedback.fields,
    "families": families.fields,
    "theory": predicted_recall.fields,
}
_WIDTH = 120


def render(figures: Record) -> str:
    """Return the document in Markdown; the same figures give the same document."""
    about = figures["about"]
    head, *sections = re.split(r"^(?=## )", _TEMPLATE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    texts = [head.format(about=about, machine=about["machine"])]
    for section, (name, fields) in zip(sections, _SECTIONS.items(), strict=True):
        found = fields(figures[name])
        heading = section.partition("\n")[0]
        texts.append(f"{heading}\n\n{found}" if isinstance(found, str) else section.format(about=about, **found))
    paragraphs = [part.strip("\n") for text in texts for part in re.split(r"\n{2,}", text)]
    return "\n\n".join(_wrapped(part) for part in paragraphs if part) + "\n"


def _wrapped(paragraph: str) -> str:
    """Return prose and lists in lines of at most `_WIDTH`; tables, code and headings as they are."""
    if paragraph.startswith(("|", "#", "```")):
        return paragraph
    lines = []
    for item in re.split(r"\n(?=- )", paragraph):
        indent = "  " if item.startswith("- ") else ""
        text = " ".join(item.split())
        lines.append(fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))
    return "\n".join(lines)
