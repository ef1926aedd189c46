"""Preloading: what the first page needs is imported and loaded in the background when the server starts.

A browser takes most of a second to load Streamlit's own files, in which the server has nothing else to do.
"""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib import import_module
from typing import Any

from streamlit import delta_generator

from data_prep.errors import DataError
from lsh import ExactSearch, LSHError
from lsh.sampling import first_rows
from lsh.warm import is_warm
from ui.model import answer, loading
from ui.model.state import Settings
from ui.server import downloads, hosting, memory

_SEARCHED = 100  # rows


def lifespan(page: str) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return what `st.App` runs while its server does: `load` in the background, with the module of the first page."""
    # Else the first element looks whether this is a Python prompt, in the sources of all modules: 0.15 s.
    delta_generator._use_warning_has_been_displayed = True  # noqa: SLF001

    @asynccontextmanager
    async def running(_: Any) -> AsyncIterator[None]:
        downloads.install()
        threading.Thread(target=load, args=(page,), name="preload", daemon=True).start()
        yield

    return running


@memory.without_collections()
def load(page: str) -> None:
    """Import a page's module; where kernels are compiled, open the first dataset and its index, and search both ways.

    Exact search in a few rows loads its kernels. A dataset that cannot be opened or indexed is left to the page, which
    says why.
    """
    import_module(page)
    datasets = hosting.default_first(loading.datasets())
    if not datasets or not is_warm():
        return
    with suppress(DataError, LSHError):
        dataset = loading.dataset_at(next(iter(datasets.values())))
        index, X = loading.index_for(dataset, Settings(metric=dataset.metric)), dataset.features("train")
        for searched in (index, ExactSearch(first_rows(X, _SEARCHED), dataset.metric)):
            searched.search(X[:1])
        answer.first_clip(dataset)
