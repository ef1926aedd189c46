"""Methods to measure: one plug-in module per method, named like it with underscores; _base and _faiss are shared."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from benchmarks.errors import BenchmarkError, MethodError
from benchmarks.methods._base import Method

LSH = ("lsh-sketch", "lsh-tables")  # the name "lsh" stands for the better of these two at each recall


def names() -> list[str]:
    """Return the names of all methods, sorted."""
    return sorted(m.name.replace("_", "-") for m in iter_modules(__path__) if not m.name.startswith("_"))


def load(name: str) -> type[Method]:
    """Return the class of a method; raise MethodError if its package is not installed."""
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    (method,) = (c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__)
    if not issubclass(method, Method):
        raise TypeError(f"{module.__name__} must define one class, a Method")
    if method.needs and find_spec(method.needs) is None:
        raise MethodError(f"the package {method.needs} is not installed")
    return method


def selected(text: str) -> list[str]:
    """Return the methods in a comma-separated list, each once, where "all" stands for all of them.

    "lsh" may be among them: the better of the methods `LSH`. Raises BenchmarkError for an unknown name.
    """
    everything = ["lsh", *(name for name in names() if name not in LSH)]
    found: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        if name not in {"all", "lsh", *names()}:
            raise BenchmarkError(f"there is no method {name!r}; expected lsh, all, or some of {', '.join(names())}")
        found += everything if name == "all" else [name]
    return list(dict.fromkeys(found))
