"""API reference: writes docs/API.md from the signatures and docstrings of the public names (`make api`)."""

import argparse
import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import lsh
from data_prep.dataset import Clip, Dataset, open_dataset
from lsh.growing.changes import Growing

PATH = Path(__file__).resolve().parents[1] / "docs" / "API.md"
LSH = {name: getattr(lsh, name) for name in lsh.__all__}
GROWING = {"Growing": Growing}
DATASETS = {thing.__name__: thing for thing in (open_dataset, Dataset, Clip)}
INTRODUCTION = """# API reference

Made by `make api` from the signatures and docstrings: change those, not this. Arrays are given as
`dtype[shape]`, such as float32[n, d]; times are in milliseconds unless a name says otherwise.
"""

Definition = ast.ClassDef | ast.FunctionDef


def render() -> str:
    """Return the whole reference as Markdown."""
    parts = [INTRODUCTION]
    for title, things in (("lsh", LSH), ("lsh.growing.changes", GROWING), ("data_prep.dataset", DATASETS)):
        parts.append(f"## `{title}`\n")
        for name, thing in things.items():
            parts += _entry(name, _definition(thing))
    return "\n".join(parts)


def _entry(name: str, node: Definition) -> Iterator[str]:
    """Yield the Markdown of a class or function, with the public methods and properties of a class."""
    yield f"### `{name}`\n"
    yield f"```python\n{_signature(node)}\n```\n"
    yield _text(ast.get_docstring(node)) + "\n"
    if isinstance(node, ast.ClassDef):
        for child in node.body:
            if isinstance(child, ast.FunctionDef) and not child.name.startswith("_"):
                yield f"#### `{_in_words(name, child)}`\n"
                yield _text(ast.get_docstring(child)) + "\n"


def _definition(thing: object) -> Definition:
    """Return the syntax tree of a class or function."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body  # type: ignore[arg-type]
    assert isinstance(node, Definition), thing  # noqa: S101 - public names are classes and functions
    return node


def _signature(node: Definition) -> str:
    """Return a function's name and parameters; of a class those of its constructor, or its fields."""
    if isinstance(node, ast.FunctionDef):
        return _call(node.name, node)
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and child.name == "__init__":
            return f"class {_call(node.name, child, constructor=True)}"
    fields = [ast.unparse(child) for child in node.body if isinstance(child, ast.AnnAssign)]
    bases = ", ".join(map(ast.unparse, node.bases))
    head = f"class {node.name}" + (f"({bases})" if bases else "")
    return "\n    ".join([f"{head}:", *fields]) if fields else head


def _in_words(owner: str, node: ast.FunctionDef) -> str:
    """Return `Class.name` for a property, and `Class.name(parameters)` for a method."""
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    if decorators & {"property", "cached_property"}:
        return f"{owner}.{node.name}"
    return f"{owner}.{_call(node.name, node)}"


def _call(name: str, node: ast.FunctionDef, *, constructor: bool = False) -> str:
    arguments = re.sub(r"^(self|cls)(, |$)", "", ast.unparse(node.args))
    returns = f" -> {ast.unparse(node.returns)}" if node.returns and not constructor else ""
    return f"{name}({arguments}){returns}"


def _text(docstring: str | None) -> str:
    """Return a docstring as Markdown: lines such as "k, seed: what they mean" become items of a list."""
    lines: list[str] = []
    in_list = False
    for line in (docstring or "").splitlines():
        item = re.fullmatch(r"((?:\w+, )*\w+): (.*)", line)
        if item:
            names = ", ".join(f"`{name}`" for name in item[1].split(", "))
            if not in_list:
                lines.append("")
            lines.append(f"- {names}: {item[2]}")
        elif in_list and line:
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
        in_list = bool(item) or (in_list and bool(line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    PATH.write_text(render(), encoding="utf-8")
    print(PATH, file=sys.stderr)
