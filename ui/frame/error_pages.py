"""Error pages: no dataset, a damaged one, an unusable bucket width, a lost cluster, an unexpected error; what to do."""

import logging
import secrets
from pathlib import Path

import streamlit as st

from lsh.errors import ClusterError
from ui import cluster
from ui.model import session
from ui.model.state import Settings
from ui.model.text import plain
from ui.paths import ROOT
from ui.server import hosting
from ui.widgets import links

_WIDTH = 720


def no_data(root: Path) -> None:
    """Draw the page for a data folder without a dataset: how to make one."""
    with st.container(width=_WIDTH):
        st.title("No sounds yet")
        st.markdown(f"Earshot looked in {plain(_short(root))} and found no prepared collection.")
        st.markdown("This writes the embedded sample, thousands of synthesised sounds, without a network:")
        st.code("python -m data_prep sample --out data/sample", language=None)
        st.markdown("This downloads real AudioSet features from Google and prepares them:")
        st.code("python -m data_prep audioset --subset balanced --out data/audioset", language=None)
        st.button("Look again", type="primary")


def damaged(path: Path, error: Exception) -> None:
    """Draw the page for a dataset that cannot be opened: what is wrong, how to verify and repair it."""
    with st.container(width=_WIDTH):
        st.title("This collection cannot be opened")
        st.markdown(plain(str(error).replace(f"{ROOT}/", ""), longest=1000))
        st.markdown("See everything that is wrong with it:")
        st.code(f"python -m data_prep verify {_short(path)}", language=None)
        if path.name == "sample":
            st.markdown("Or write the embedded sample anew:")
            st.code(f"python -m data_prep sample --out {_short(path)}", language=None)
        st.markdown("Or choose another collection in the sidebar.")
        st.button("Try again", type="primary")


def unindexable(path: Path, error: Exception, settings: Settings) -> None:
    """Draw the page for an index that cannot be built: because of the bucket width, of the data or of the cluster."""
    if isinstance(error, ClusterError):
        lost_cluster(error)
        return
    if settings.metric == "cosine" or settings.bucket_width is None:
        damaged(path, error)
        return
    with st.container(width=_WIDTH):
        st.title("This bucket width cannot be used")
        st.markdown(plain(error, longest=1000))
        st.button(
            "Use the width that the data suggests", type="primary", on_click=session.BUCKET_WIDTH.set, args=(None,)
        )


def lost_cluster(error: ClusterError) -> None:
    """Draw the page for a cluster that has lost its scheduler or its workers, and log why.

    The reason names addresses, so it is shown to the owner of the machine alone.
    """
    logging.getLogger("earshot").warning("the cluster does not answer: %s", error)
    with st.container(width=_WIDTH, key="cluster-lost"):
        st.title("The other machines do not answer")
        st.markdown(
            "This collection is searched by a cluster of machines, and right now nobody picks up. No sound is lost: "
            "they lie where they lay, and the search is set up again as soon as the machines are back."
        )
        if hosting.is_local():
            st.caption(plain(error, longest=1000))
        st.button("Try again", type="primary", on_click=cluster.forget)


def unexpected(error: Exception) -> bool:
    """Draw the page for an error that no page handles, and log it under the reference that the page shows.

    Returns True, which keeps Streamlit from drawing its own box.
    """
    if isinstance(error, ClusterError):  # in a fragment, which runs without its page
        lost_cluster(error)
        return True
    reference = secrets.token_hex(4)
    logging.getLogger("earshot").error("unexpected error, reference %s", reference, exc_info=error)
    with st.container(width=_WIDTH):
        st.title("Something went wrong here")
        st.markdown(
            "This is a fault of the app, not of anything you did. Your collections and files are unchanged. Starting "
            "again usually helps."
        )
        links.start_again()
        st.caption(f"If it happens again, report it with the reference **{reference}**: the log of the app has it too.")
    return True


def _short(path: Path) -> str:
    """Return a path inside the checkout as relative, which is shorter and hides the server's folders."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
