"""Kind of index file that holds a `GraphIndex` (see `kinds`)."""

from typing import Any

import numpy as np

from lsh import validate
from lsh.arrays import Float32Array, Int32Array, UInt8Array, read_only
from lsh.exact import ExactSearch
from lsh.graphs.building import N_LINKS, Graph
from lsh.graphs.index import GraphIndex
from lsh.kernels.graphs.records import RECORD_BYTES
from lsh.kernels.shuffling import BLOCK, BLOCK_BYTES
from lsh.kernels.sketching import DIMENSIONS
from lsh.params import GraphSetting
from lsh.storage import checks
from lsh.storage.header import Arrays, Layout, Settings, damaged


class GraphIndexKind:
    """What the file of a graph holds; the methods are those of `Kind`."""

    setting_names: tuple[str, ...] = ("metric", "seed", "default_n_kept", "n_blocks")
    default_since = 1
    default_names: tuple[str, ...] = ()
    per_row: tuple[str, ...] = ("records",)
    of_segment: tuple[str, ...] = ()

    def earlier_default(self, _: Settings) -> Settings:
        """Return nothing: every graph has a default setting."""
        return {}

    def settings(self, index: GraphIndex) -> Settings:
        """Return all that is not an array."""
        n_kept, n_blocks = index.default_setting.n_kept, len(index.graph.records)
        return {"metric": index.metric, "seed": index.seed, "default_n_kept": n_kept, "n_blocks": n_blocks}

    def arrays(self, index: GraphIndex) -> Arrays:
        """Return the fields of `GraphArrays`."""
        return index.graph._asdict()

    def layout(self, settings: Any, n: int, dim: int) -> Layout:
        """Return the dtype and shape of each array; raise LSHError for settings that are not valid."""
        n_blocks = validate.integer(settings["n_blocks"], "n_blocks", n + 1, 2 * n)  # one of first nodes, or more
        return {"centre": ("<f4", (dim,)), "rotation": ("<f4", (dim, DIMENSIONS)), **self._records(n_blocks)}

    def _records(self, n_blocks: int) -> Layout:
        return {"records": ("|u1", (n_blocks, RECORD_BYTES))}

    def check(self, arrays: Arrays, n: int, *, verify: bool) -> None:
        """Raise for links outside 0 to n - 1; with `verify` for any invalid value."""
        graph = Graph(arrays["centre"], arrays["rotation"], arrays["records"])
        self._check(arrays, graph.terms, graph.links, n, verify=verify)

    def _check(self, arrays: Arrays, terms: Float32Array, links: Int32Array, n: int, *, verify: bool) -> None:
        checks.values_between(arrays, ("rotation",), -2, 2)
        checks.values_between(arrays, ("centre",), -validate.MAX_VALUE, validate.MAX_VALUE)
        checks.ids_in_range(links, n, "links")
        if verify:
            checks.values_between({"factors": terms[:, 0]}, ("factors",), 0)
            if np.isnan(terms[:, 1]).any():  # infinity is allowed: nothing is there
                raise damaged("its terms have penalties that are no numbers")

    def restore(self, settings: Any, arrays: Arrays, exact: ExactSearch) -> GraphIndex:
        """Return the index that checked arrays describe."""
        graph = Graph(arrays["centre"], arrays["rotation"], self._records_of(arrays))
        return GraphIndex.from_parts(
            settings["metric"], settings["seed"], exact, graph, GraphSetting(settings["default_n_kept"])
        )

    def _records_of(self, arrays: Arrays) -> UInt8Array:
        return arrays["records"]


class SeparateArraysKind(GraphIndexKind):
    """A graph of version 5: codes, terms and links in an array each; they are joined to records when it is loaded."""

    per_row: tuple[str, ...] = ("codes", "terms", "links")

    def _records(self, n_blocks: int) -> Layout:
        return {
            "codes": ("|u1", (n_blocks * BLOCK_BYTES,)),
            "terms": ("<f4", (2 * n_blocks, BLOCK)),
            "links": ("<i4", (n_blocks, N_LINKS)),
        }

    def check(self, arrays: Arrays, n: int, *, verify: bool) -> None:
        """Raise for links outside 0 to n - 1; with `verify` for any invalid value."""
        self._check(arrays, arrays["terms"].reshape(-1, 2, BLOCK), arrays["links"], n, verify=verify)

    def _records_of(self, arrays: Arrays) -> UInt8Array:
        graph = Graph(arrays["centre"], arrays["rotation"], np.empty((len(arrays["links"]), RECORD_BYTES), np.uint8))
        graph.codes[:] = arrays["codes"].reshape(-1, BLOCK_BYTES)
        graph.terms[:], graph.links[:] = arrays["terms"].reshape(-1, 2, BLOCK), arrays["links"]
        read_only(graph.records)
        return graph.records
