"""Mutants: small faults that can be put into a Python file, one at a time.

Operators: a comparison, an arithmetic or a logical operator is replaced, a condition negated, a number changed by one
(a fraction by half of it), True and False exchanged, the first two arguments of a call swapped, a statement dropped.
Annotations, docstrings, decorators, strings and the order of symmetric arguments are left alone.
"""

import ast
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

_COMPARISONS: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_SYMMETRIC = {"min", "max", "minimum", "maximum", "suppress", "array_equal"}  # arguments that may change places
_NOT_MUTATED = ("decorator_list", "annotation", "returns", "type_params", "bases")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: bytes `start` to `end` of the file at `path` are replaced by `after`."""

    path: str
    line: int
    operator: str
    start: int
    end: int
    before: str
    after: str

    @property
    def key(self) -> str:
        """Return a name that is the same in every run over the same file."""
        return f"{self.path}:{self.line}:{self.start}:{self.after}"

    def as_record(self) -> dict[str, Any]:
        """Return the fields and the key, for a JSON file."""
        return {"key": self.key, **asdict(self)}

    def apply(self, source: bytes) -> bytes:
        """Return the file with the fault."""
        return source[: self.start] + self.after.encode() + source[self.end :]


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """Return every mutant of a file, in order of its place; each of them compiles."""
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    found = []
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not _is_type_alias(node)]
    for operator, node, after in _faults(tree):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        mutant = Mutant(path, node.lineno, operator, start, end, source[start:end].decode(), after)
        if after != mutant.before and _compiles(mutant.apply(source)):
            found.append(mutant)
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.after))


def _compiles(source: bytes) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _faults(tree: ast.Module) -> Iterator[tuple[str, Any, str]]:
    """Yield (operator, node to replace, its new text)."""
    for node in _mutable_nodes(tree):
        match node:
            case ast.Compare(ops=ops):
                for i, op in enumerate(ops):
                    changed = [*ops[:i], _COMPARISONS[type(op)](), *ops[i + 1 :]]
                    yield "comparison", node, _text(ast.Compare(node.left, changed, node.comparators))
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC and not any(map(_is_text, (node.left, node.right))):
                yield "arithmetic", node, _text(ast.BinOp(node.left, _ARITHMETIC[type(op)](), node.right))
            case ast.AugAssign(op=op) if type(op) in _ARITHMETIC:
                changed_op = _ARITHMETIC[type(op)]()
                yield "arithmetic", node, ast.unparse(ast.AugAssign(node.target, changed_op, node.value))
                yield "dropped statement", node, "pass"
            case ast.BoolOp(op=op):
                yield "logic", node, _text(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), node.values))
            case ast.UnaryOp(op=ast.Not()):
                yield "condition", node, _text(node.operand)
            case ast.UnaryOp(op=ast.USub()) if not isinstance(node.operand, ast.Constant):
                yield "arithmetic", node, _text(node.operand)
            case ast.Constant(value=bool() as value):
                yield "constant", node, str(not value)
            case ast.Constant(value=int() as value):
                yield "constant", node, str(value + 1)
                if value > 0:
                    yield "constant", node, str(value - 1)
            case ast.Constant(value=float() as value):
                yield "constant", node, repr(1.5 * value if value else 1.0)
            case ast.Call(args=[first, second, *rest]) if not any(isinstance(a, ast.Starred) for a in node.args):
                if ast.dump(first) != ast.dump(second) and _name(node.func) not in _SYMMETRIC:
                    yield "arguments", node, ast.unparse(ast.Call(node.func, [second, first, *rest], node.keywords))
            case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Continue() | ast.Break():
                yield "dropped statement", node, "pass"
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield "dropped statement", node, "pass"
        if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
            yield "condition", node.test, f"(not ({ast.unparse(node.test)}))"


def _mutable_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below `node` that a mutant may change, without those in which no fault can show."""
    for name, value in ast.iter_fields(node):
        if name in _NOT_MUTATED:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_exempt(child):
                continue
            yield child
            yield from _mutable_nodes(child)


def _is_exempt(node: ast.AST) -> bool:
    """Return whether a node is a docstring, an f-string, an import, a list of exports or a main guard."""
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
    return False


def _is_type_alias(node: ast.stmt) -> bool:
    """Return whether a statement of a module names a union of types."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.BitOr)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _name(function: ast.expr) -> str:
    """Return the last part of a function's name; "" if it has none."""
    return str(getattr(function, "attr", getattr(function, "id", "")))


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"
