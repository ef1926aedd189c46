"""Kinds of index in a file: their settings, and arrays whose dtypes and shapes follow from the settings.

`save` takes settings and arrays from a kind. `load` compares the header with the kind's layout, has the kind check the
values of the arrays, and then restore the index.
"""

from dataclasses import asdict, fields
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lsh import validate
from lsh.arrays import Float32Array, Int64Array, UInt8Array, read_only
from lsh.exact import ExactSearch
from lsh.families.hyperplane import Hyperplanes, LearnedPlanes
from lsh.families.pstable import PStable
from lsh.graphs.index import GraphIndex
from lsh.hasher import Family, Hasher
from lsh.index import LSHIndex
from lsh.kernels.fast_scan import pack_codes
from lsh.kernels.hashing import words_for
from lsh.kernels.shuffling import BLOCK, BLOCK_BYTES
from lsh.kernels.sketching import DIMENSIONS, PLANES
from lsh.params import MAX_BUCKETS, UNMEASURED, Params, SearchSetting, SketchSetting
from lsh.sketch_index import SketchIndex
from lsh.sketches.partition import Buckets, code_places, group_starts
from lsh.sketches.sketch_rows import SketchRows
from lsh.storage import checks
from lsh.storage.graph_kind import GraphIndexKind, SeparateArraysKind
from lsh.storage.header import Arrays, Layout, Settings, damaged
from lsh.tables import Tables

_SKETCHES = "sketch_centre", "rotation", "planes", "terms"  # the fields of `SketchRows`
_PARAMS = tuple(field.name for field in fields(Params))
_DEFAULT = tuple(f"default_{name}" for name in SearchSetting._fields)
_SKETCH_DEFAULT = tuple(f"default_{name}" for name in SketchSetting._fields)
_MAX_SYMBOL_BITS = 8
_MAX_BUCKET_NUMBER = 2**62


class Kind(Protocol):
    """One kind of index: what its file holds besides the vectors and their norms."""

    setting_names: tuple[str, ...]
    default_since: int  # the version of the first files with a default setting
    default_names: tuple[str, ...]  # of its numbers, among the settings
    per_row: tuple[str, ...]  # arrays that grow with the number of vectors
    of_segment: tuple[str, ...]  # further arrays, and settings, that each segment has for itself

    def earlier_default(self, settings: Settings) -> Settings:
        """Return, for the settings of a file without a default setting, that of searches at the time."""

    def settings(self, index: Any) -> Settings:
        """Return the settings: all that is not an array."""

    def arrays(self, index: Any) -> Arrays:
        """Return the arrays, in the order of the file."""

    def layout(self, settings: Any, n: int, dim: int) -> Layout:
        """Return the dtype and shape of each array; raise LSHError for settings that are not valid."""

    def check(self, arrays: Arrays, n: int, *, verify: bool) -> None:
        """Raise for values with which a kernel would read outside its arrays; with `verify` for any invalid ones."""

    def restore(self, settings: Any, arrays: Arrays, exact: ExactSearch) -> LSHIndex | SketchIndex | GraphIndex:
        """Return the index that checked arrays describe."""


class _LSHIndexKind:
    setting_names: tuple[str, ...] = (*_PARAMS, "symbol_bits", "width", *_DEFAULT)
    default_since = 2
    default_names: tuple[str, ...] = _DEFAULT
    per_row: tuple[str, ...] = ("keys", "ids", "planes", "terms")
    of_segment: tuple[str, ...] = ()

    def earlier_default(self, settings: Settings) -> Settings:
        all_of_it = settings["n_tables"], settings["n_bits"], 1
        return dict(zip(_DEFAULT, all_of_it, strict=True))

    def settings(self, index: LSHIndex) -> Settings:
        family = index.hasher.family
        width = float(family.width) if isinstance(family, PStable) else None
        default = dict(zip(_DEFAULT, index.default_setting, strict=True))
        return {**asdict(index.params), "symbol_bits": family.symbol_bits, "width": width, **default}

    def arrays(self, index: LSHIndex) -> Arrays:
        hasher, family = index.hasher, index.hasher.family
        arrays: dict[str, npt.NDArray[Any]] = {"centre": hasher.centre, "directions": family.directions}
        if isinstance(family, PStable):
            arrays |= {"offsets": family.offsets, "lowest": family.lowest}
        arrays |= {"keys": index.tables.keys, "ids": index.tables.ids}
        if index.params.sketches:
            arrays |= zip(_SKETCHES, index.sketches, strict=True)
        return arrays

    def layout(self, settings: Any, n: int, dim: int) -> Layout:
        params = self._params(settings)
        max_bits = _MAX_SYMBOL_BITS if params.family == "pstable" else 1
        n_words = words_for(params.n_bits, validate.integer(settings["symbol_bits"], "symbol_bits", 1, max_bits))
        n_functions = params.n_tables * params.n_bits
        layout: Layout = {"centre": ("<f4", (dim,)), "directions": ("<f4", (dim, n_functions))}
        if params.family == "pstable":
            layout |= {"offsets": ("<f4", (n_functions,)), "lowest": ("<i8", (n_functions,))}
        layout |= {"keys": ("<u4", (params.n_tables, n, n_words)), "ids": ("<i4", (params.n_tables, n))}
        if params.sketches:
            layout |= {"sketch_centre": ("<f4", (dim,)), "rotation": ("<f4", (dim, DIMENSIONS))}
            layout |= {"planes": ("<u8", (n, PLANES)), "terms": ("<f4", (n, 3))}
        return layout

    def check(self, arrays: Arrays, n: int, *, verify: bool) -> None:
        checks.values_between(arrays, ("centre", "directions"), -validate.MAX_VALUE, validate.MAX_VALUE)
        if "offsets" in arrays:
            checks.values_between(arrays, ("offsets",), 0, 1)
            checks.values_between(arrays, ("lowest",), -_MAX_BUCKET_NUMBER, _MAX_BUCKET_NUMBER)
        checks.ids_in_range(arrays["ids"], n, "ids")
        if "rotation" in arrays:
            checks.values_between(arrays, ("rotation",), -2, 2)
            checks.values_between(arrays, ("sketch_centre",), -validate.MAX_VALUE, validate.MAX_VALUE)
        if verify:
            if "terms" in arrays:
                checks.values_between(arrays, ("terms",), -np.inf)
            for table, (keys, ids) in enumerate(zip(arrays["keys"], arrays["ids"], strict=True)):
                checks.ids_once_each(ids, f"ids of table {table}")
                checks.keys_sorted(keys, f"keys of table {table}")

    def restore(self, settings: Any, arrays: Arrays, exact: ExactSearch) -> LSHIndex:
        params = self._params(settings)
        planes = Hyperplanes if params.family == "hyperplanes" else LearnedPlanes
        family: Family = planes(arrays["directions"])
        if params.family == "pstable":
            width = validate.positive(settings["width"], "width")
            bits = settings["symbol_bits"]
            family = PStable(arrays["directions"], arrays["offsets"], width, arrays["lowest"], bits)
        hasher = Hasher(params.metric, family, arrays["centre"], params.n_tables, params.n_bits)
        sketches = None
        if params.sketches:
            sketches = SketchRows(*(arrays[name] for name in _SKETCHES))
        default = SearchSetting(*(settings[name] for name in _DEFAULT))
        tables = Tables.from_arrays(arrays["keys"], arrays["ids"])
        return LSHIndex.from_parts(params, exact, hasher, tables, default, sketches)

    def _params(self, settings: Any) -> Params:
        return Params(**{name: settings[name] for name in _PARAMS})


class _SketchIndexKind:
    setting_names: tuple[str, ...] = (
        *("metric", "seed", "family", "n_buckets", "n_filled"),
        *_SKETCH_DEFAULT,
        "n_blocks",
    )
    default_since = 5
    default_names: tuple[str, ...] = _SKETCH_DEFAULT
    per_row: tuple[str, ...] = ("order", "codes", "terms")
    of_segment: tuple[str, ...] = ("starts", "n_blocks")

    def earlier_default(self, _: Settings) -> Settings:
        return dict(zip(_SKETCH_DEFAULT, UNMEASURED, strict=True))

    def settings(self, index: SketchIndex) -> Settings:
        return {
            "metric": index.metric,
            "seed": index.seed,
            "family": index.family,
            "n_buckets": index.wanted_buckets,
            "n_filled": index.n_buckets,
            **dict(zip(_SKETCH_DEFAULT, index.default_setting, strict=True)),
            "n_blocks": len(index.buckets.codes) // BLOCK_BYTES,
        }

    def arrays(self, index: SketchIndex) -> Arrays:
        buckets = index.buckets
        return {
            "centre": buckets.centre,
            "rotation": buckets.rotation,
            "centroids": buckets.centroids,
            "starts": buckets.bucket_starts,
            "order": buckets.order,
            "codes": buckets.codes,
            "terms": buckets.terms,
            "gaps": index.gaps,
        }

    def layout(self, settings: Any, n: int, dim: int) -> Layout:
        m = validate.integer(settings["n_filled"], "n_filled", 1, MAX_BUCKETS)  # more than n, where `like` was given
        n_blocks = validate.integer(settings["n_blocks"], "n_blocks", 1, m + n)
        return {
            **self._partition(m, n, dim),
            "codes": ("|u1", (n_blocks * BLOCK_BYTES,)),
            "terms": ("<f4", (2, m + n + BLOCK - 1)),
            "gaps": ("<f4", (m,)),
        }

    def check(self, arrays: Arrays, n: int, *, verify: bool) -> None:
        self._check_partition(arrays, n, verify=verify)
        n_blocks = len(arrays["codes"]) // BLOCK_BYTES
        if (expected := int(group_starts(arrays["starts"])[1, -1])) != n_blocks:
            raise damaged(f"its codes fill {n_blocks} blocks; expected {expected} from its starts")
        if not (arrays["gaps"] >= 0).all():  # infinity is allowed
            raise damaged(f"its gaps have {arrays['gaps'].min()} among them; expected numbers from 0")
        if verify:
            checks.values_between(arrays, ("terms",), -np.inf)

    def restore(self, settings: Any, arrays: Arrays, exact: ExactSearch) -> SketchIndex:
        starts, (centre, centroids) = group_starts(arrays["starts"]), (arrays["centre"], arrays["centroids"])
        points = np.concatenate([centre[None], centroids])
        read_only(starts, points)
        codes, terms, gaps = self._sketches(arrays, starts)
        buckets = Buckets(points, arrays["rotation"], starts, arrays["order"], codes, terms)
        chosen = settings["metric"], settings["n_buckets"], settings["seed"], settings["family"]
        default = SketchSetting(*(settings[name] for name in _SKETCH_DEFAULT))
        return SketchIndex.from_parts(*chosen, exact, buckets, gaps, default)

    def _sketches(self, arrays: Arrays, _: Int64Array) -> tuple[UInt8Array, Float32Array, Float32Array]:
        return arrays["codes"], arrays["terms"], arrays["gaps"]

    def _partition(self, m: int, n: int, dim: int) -> Layout:
        return {
            "centre": ("<f4", (dim,)),
            "rotation": ("<f4", (dim, DIMENSIONS)),
            "centroids": ("<f4", (m, dim)),
            "starts": ("<i8", (m + 1,)),
            "order": ("<i4", (n,)),
        }

    def _check_partition(self, arrays: Arrays, n: int, *, verify: bool) -> None:
        checks.values_between(arrays, ("rotation",), -2, 2)
        checks.values_between(arrays, ("centre", "centroids"), -validate.MAX_VALUE, validate.MAX_VALUE)
        checks.offsets_ascend(arrays["starts"], n, "starts")
        checks.ids_in_range(arrays["order"], n, "order")
        if verify:
            checks.ids_once_each(arrays["order"], "order")


class _PlanesKind(_SketchIndexKind):
    """A `SketchIndex` of versions 1 and 2: sketches as bit planes, in no blocks; as many buckets for every query."""

    setting_names: tuple[str, ...] = _SketchIndexKind.setting_names[:-1]
    per_row: tuple[str, ...] = ("order", "planes", "factors", "penalties")

    def settings(self, index: SketchIndex) -> Settings:
        settings = super().settings(index)
        return {name: settings[name] for name in self.setting_names}

    def layout(self, settings: Any, n: int, dim: int) -> Layout:
        m = validate.integer(settings["n_filled"], "n_filled", 1, min(MAX_BUCKETS, n))
        return {
            **self._partition(m, n, dim),
            "planes": ("<u8", (PLANES, m + n)),
            "factors": ("<f4", (2, m + n)),
            "penalties": ("<f4", (m + n,)),
        }

    def check(self, arrays: Arrays, n: int, *, verify: bool) -> None:
        self._check_partition(arrays, n, verify=verify)
        if verify:
            checks.values_between(arrays, ("factors",), -np.inf)
            checks.values_between(arrays, ("penalties",), -np.inf)

    def _sketches(self, arrays: Arrays, starts: Int64Array) -> tuple[UInt8Array, Float32Array, Float32Array]:
        count = int(starts[0, -1])
        codes, terms = np.zeros(starts[1, -1] * BLOCK_BYTES, np.uint8), np.zeros((2, count + BLOCK - 1), np.float32)
        pack_codes(arrays["planes"], code_places(starts), codes)
        terms[0, :count], terms[1, :count] = arrays["factors"][0], arrays["penalties"]
        gaps = np.full(len(arrays["centroids"]), np.inf, np.float32)
        read_only(codes, terms, gaps)
        return codes, terms, gaps


KINDS: dict[str, Kind] = {
    "LSHIndex": _LSHIndexKind(),
    "SketchIndex": _SketchIndexKind(),
    "GraphIndex": GraphIndexKind(),
}
KINDS_BEFORE_7: dict[str, Kind] = {**KINDS, "GraphIndex": SeparateArraysKind()}
KINDS_BEFORE_3: dict[str, Kind] = {**KINDS_BEFORE_7, "SketchIndex": _PlanesKind()}
