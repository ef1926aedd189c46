"""Tables of modules: writes the first line of every module into docs/ARCHITECTURE.md (`make api`)."""

import argparse
import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATH = ROOT / "docs" / "ARCHITECTURE.md"
PACKAGES = ("ui", "lsh", "data_prep", "earshot_common", "benchmarks")
TABLE = re.compile(r"(<!-- modules of (\w+), by `make api` -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def render(document: str) -> str:
    """Return a document with its tables of modules written anew."""
    return TABLE.sub(lambda match: match[1] + "\n" + _table(match[2]) + "\n" + match[3], document)


def _table(package: str) -> str:
    """Return the table of a package: one row per folder and module, in order of their paths."""
    rows = ["| module | holds |", "| --- | --- |"]
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    for folder in sorted(folders):
        for path in sorted(folder.glob("*.py"), key=lambda path: (path.name != "__init__.py", path.name)):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            title = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            first_line = title.partition("\n")[0].replace("|", "\\|")
            rows.append(
                f"| **`{name}`** | **{first_line}** |" if path.stem == "__init__" else f"| `{name}` | {first_line} |"
            )
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    PATH.write_text(render(PATH.read_text(encoding="utf-8")), encoding="utf-8")
