"""Lines of code per package: lines that hold code, without blank lines, comments and docstrings."""

import argparse
import ast
import io
import tokenize
from collections.abc import Sequence
from pathlib import Path

PACKAGES = ("earshot_common", "lsh", "data_prep", "ui", "benchmarks")
_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def code_lines(text: str) -> int:
    """Return the number of lines of a module that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and type(first.value.value) is str:
                lines -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(lines)


def main(paths: Sequence[str]) -> None:
    """Print one row per folder: modules, all lines, lines of code."""
    total = 0
    print(f"{'':12}{'modules':>8}{'lines':>8}{'code':>8}")
    for path in map(Path, paths):
        modules = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        texts = [module.read_text(encoding="utf-8") for module in modules]
        code = sum(map(code_lines, texts))
        total += code
        print(f"{path!s:12}{len(modules):>8}{sum(len(text.splitlines()) for text in texts):>8,}{code:>8,}")
    print(f"{'':12}{'':8}{'':8}{total:>8,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "paths", nargs="*", default=PACKAGES, help=f"folders or files to count (default: {', '.join(PACKAGES)})"
    )
    main(parser.parse_args().paths)
