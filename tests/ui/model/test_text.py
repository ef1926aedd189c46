"""Text from data, escaped for the screen."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.model.text import clean, plain

HOSTILE = [
    "[click](https://elsewhere.example/)",
    "![](https://elsewhere.example/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "<https://elsewhere.example>",
    "https://elsewhere.example/bare",
    "www.elsewhere.example",
    "me@elsewhere.example",
    "$\\frac{1}{0}$",
    ":red[text]",
    ":material/home:",
    ":rainbow-background[text]",
    "# heading",
    "1. list",
    "- list",
    "+ list",
    "> quote",
    "| a | b |",
    "`code`",
    "```\nblock\n```",
    "**bold** _em_ ~~gone~~",
    "&lt;b&gt;",
    "\\[x\\](y)",
    "[^1]",
    "===",
    ":smile:",
]


def shown(escaped):
    """Return what Markdown shows of text in which every special character is escaped."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped)


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_contains_no_markdown(text):
    escaped = plain(text)
    assert shown(escaped) == clean(text)
    left = re.sub(r"\\.", "", escaped)
    assert not set(left) & set("[]()<>*_`$:#|~!&@=")


@given(st.text(max_size=500))
def test_plain_text_shows_exactly_the_cleaned_text(text):
    assert shown(plain(text)) == clean(text)


@given(st.text(max_size=2000))
def test_cleaned_text_is_one_short_line_without_invisible_characters(text):
    line = clean(text)
    assert len(line) <= 300
    assert line == " ".join(line.split())
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]", line)


def test_a_very_long_name_is_cut_with_an_ellipsis():
    assert clean("a" * 1_000_000) == "a" * 299 + "…"
