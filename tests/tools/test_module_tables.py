"""Tables of modules in docs/ARCHITECTURE.md."""

import re

from tests.meta.sources import MODULES
from tools import module_tables


def test_the_tables_in_docs_are_current():
    document = module_tables.PATH.read_text(encoding="utf-8")
    assert document == module_tables.render(document), "run `make api`"


def test_every_module_has_exactly_one_row():
    tables = "".join(match[0] for match in module_tables.TABLE.finditer(module_tables.PATH.read_text(encoding="utf-8")))
    rows = re.findall(r"^\| \**`([\w.]+)`\** \|", tables, flags=re.MULTILINE)
    assert sorted(rows) == sorted(set(MODULES) - {"app"})
