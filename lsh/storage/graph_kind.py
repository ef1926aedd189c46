"""Kind of index file that holds a `GraphIndex` (see `kinds`)."""

from typing import Any

import numpy as np

from lsh import validate
from lsh.exact import ExactSearch
from lsh.graphs.building import N_LINKS, Graph
from lsh.graphs.index import GraphIndex
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
    per_row: tuple[str, ...] = ("codes", "terms", "links")
    of_segment: tuple[str, ...] = ()

    def earlier_default(self, _: Settings) -> Settings:
        """Return nothing: every graph has a default setting."""
        return {}

    def settings(self, index: GraphIndex) -> Settings:
        """Return all that is not an array."""
        n_kept, n_blocks = index.default_setting.n_kept, len(index.graph.links)
        return {"metric": index.metric, "seed": index.seed, "default_n_kept": n_kept, "n_blocks": n_blocks}

    def arrays(self, index: GraphIndex) -> Arrays:
        """Return the fields of `GraphArrays`."""
        return index.graph._asdict()

    def layout(self, settings: Any, n: int, dim: int) -> Layout:
        """Return the dtype and shape of each array; raise LSHError for settings that are not valid."""
        n_blocks = validate.integer(settings["n_blocks"], "n_blocks", n + 1, 2 * n)  # one of first nodes, or more
        return {
            "centre": ("<f4", (dim,)),
            "rotation": ("<f4", (dim, DIMENSIONS)),
            "codes": ("|u1", (n_blocks * BLOCK_BYTES,)),
            "terms": ("<f4", (2 * n_blocks, BLOCK)),
            "links": ("<i4", (n_blocks, N_LINKS)),
        }

    def check(self, arrays: Arrays, n: int, *, verify: bool) -> None:
        """Raise for links outside 0 to n - 1; with `verify` for any invalid value."""
        checks.values_between(arrays, ("rotation",), -2, 2)
        checks.values_between(arrays, ("centre",), -validate.MAX_VALUE, validate.MAX_VALUE)
        checks.ids_in_range(arrays["links"], n, "links")
        if verify:
            checks.values_between({"factors": arrays["terms"][::2]}, ("factors",), 0)
            if np.isnan(arrays["terms"][1::2]).any():  # infinity is allowed: nothing is there
                raise damaged("its terms have penalties that are no numbers")

    def restore(self, settings: Any, arrays: Arrays, exact: ExactSearch) -> GraphIndex:
        """Return the index that checked arrays describe."""
        graph = Graph(*(arrays[name] for name in Graph._fields))
        return GraphIndex.from_parts(
            settings["metric"], settings["seed"], exact, graph, GraphSetting(settings["default_n_kept"])
        )
