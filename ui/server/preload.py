"""Preloading: what the first page needs is imported and loaded in the background when the server starts.

A browser takes most of a second to load Streamlit's own files, in which the server has nothing else to do.
"""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib import import_module
from typing import Any

from data_prep.errors import DataError
from lsh import LSHError
from lsh.warm import is_warm
from ui.model import loading
from ui.model.state import Settings
from ui.server import hosting, memory


def lifespan(page: str) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return what `st.App` runs while its server does: `load` in the background, with the module of the first page."""

    @asynccontextmanager
    async def running(_: Any) -> AsyncIterator[None]:
        threading.Thread(target=load, args=(page,), name="preload", daemon=True).start()
        yield

    return running


@memory.without_collections()
def load(page: str) -> None:
    """Import a page's module; where kernels are compiled, open the first dataset and its index, and search both ways.

    A dataset that cannot be opened or indexed is left to the page, which says why.
    """
    import_module(page)
    datasets = hosting.default_first(loading.datasets())
    if not datasets or not is_warm():
        return
    with suppress(DataError, LSHError):
        dataset = loading.dataset_at(next(iter(datasets.values())))
        index = loading.index_for(dataset, Settings(metric=dataset.metric))
        query = dataset.features("train")[:1]
        for searched in (index, index.exact):
            searched.search(query)
