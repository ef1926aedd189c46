"""Managing a collection of one's own on the page Data: updating, renaming and forgetting it. Its sounds stay."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from data_prep.dataset import Dataset, open_dataset
from data_prep.dataset.revise import set_title
from data_prep.errors import DataError, DatasetError
from earshot_common.command_line import full_message
from ui import paths
from ui.format import megabytes
from ui.frame import controls
from ui.model.loading import DatasetContext
from ui.model.text import plain
from ui.pages.data.folder import RESERVED, listening
from ui.pages.data.making import draw_job
from ui.server import hosting
from ui.server.jobs import jobs
from ui.widgets import long_work

FORGOTTEN = ".forgotten-"  # begins the name of a forgotten collection's folder; hidden folders are no collections
_MAX_TITLE = 200


def draw(context: DatasetContext) -> None:
    """Draw what can be done with the open collection, where it is the visitor's own, and the forgotten ones."""
    if not hosting.is_local():
        return
    if _is_own(context):
        with st.expander("Update, rename or forget this collection"):
            _update(context)
            _rename(context)
            _forget(context)
    forgotten = list(_forgotten())
    if forgotten:
        with st.expander(f"Forgotten collections: {len(forgotten)}"):
            for path, dataset in forgotten:
                _draw_forgotten(path, dataset)


def _is_own(context: DatasetContext) -> bool:
    path = context.dataset.path
    is_made_here = context.dataset.media == "file" or "vectors" in context.dataset.manifest["features"]
    return is_made_here and path.parent == paths.DATA and path.name not in RESERVED


def _job_of(dataset: Dataset) -> str | None:
    """Return the name of the job that updates a collection of sounds; None for one of embeddings."""
    folder = dataset.manifest.get("media_folder")
    return f"folder {folder}" if folder and "vectors" not in dataset.manifest["features"] else None


def _update(context: DatasetContext) -> None:
    job = _job_of(context.dataset)
    if job is None:
        st.markdown("To **update** it, press the button of its file under “Your own embeddings” again.")
        return
    sounds = Path(str(context.dataset.manifest["media_folder"]))
    st.markdown(f"**Update**: listens to what is new or changed in {plain(sounds, 200)}.")
    if sounds.is_dir():
        here = context.settings.dataset
        draw_job(job, listening(sounds), lambda: here, begin="Update", again="Listen to what is new")
    else:
        st.warning("This folder is not there any more, so there is nothing to update from.")


def _rename(context: DatasetContext) -> None:
    path = context.dataset.path
    with st.form("rename", border=False):
        typed = st.text_input("Rename", context.dataset.title, max_chars=_MAX_TITLE, key="new title")
        st.form_submit_button("Rename", on_click=long_work.request, args=("rename", path))

    def rename() -> None:
        if typed.strip() != context.dataset.title:
            set_title(path, typed)

    problem = long_work.problem("rename", path, rename, DataError, full_message)
    if problem:
        st.warning(plain(problem, 600))
    elif problem == "":
        long_work.finish("rename")


def _forget(context: DatasetContext) -> None:
    job = jobs().get(_job_of(context.dataset) or "")
    if job is not None and job.running:
        st.markdown("It is being updated, and can be forgotten afterwards.")
        return
    st.markdown("**Forget**: takes it out of the list of collections. Nothing is deleted, and it can be brought back.")
    others = [name for name in context.datasets if name != context.settings.dataset]
    if others:
        st.button("Forget this collection", on_click=_move, args=(context.dataset.path, others[0]))


def _move(path: Path, other: str) -> None:
    """Hide the folder of a collection, and open another one."""
    target = path.with_name(f"{FORGOTTEN}{path.name}")
    if not target.exists():
        path.rename(target)
        controls.open_collection(other, other)


def _forgotten() -> Iterator[tuple[Path, Dataset]]:
    for path in sorted(paths.DATA.glob(f"{FORGOTTEN}*")):
        with contextlib.suppress(DatasetError):  # what is damaged stays where it is
            yield path, open_dataset(path)


def _draw_forgotten(path: Path, dataset: Dataset) -> None:
    name = path.name.removeprefix(FORGOTTEN)
    n_bytes = sum(int(facts["bytes"]) for facts in dataset.manifest["files"].values())
    st.markdown(f"**{plain(dataset.title)}** · {plain(name)}, {megabytes(n_bytes)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if (path.parent / name).exists():
            st.caption("Another collection has its name now, so it cannot be brought back.")
        else:
            st.button("Bring it back", key=f"back {name}", on_click=_bring_back, args=(path,))
        sure = st.checkbox("I want to delete what was prepared", key=f"sure {name}")
        help_ = "Deletes the features and tables of this collection. Your sounds and your file of vectors stay."
        st.button(
            "Delete",
            key=f"delete {name}",
            disabled=not sure,
            on_click=_delete,
            args=(path,),
            kwargs={"sure": sure},
            help=help_,
        )


def _bring_back(path: Path) -> None:
    target = path.with_name(path.name.removeprefix(FORGOTTEN))
    if not target.exists():
        path.rename(target)


def _delete(path: Path, *, sure: bool) -> None:
    """Delete the folder of a forgotten collection, if its box is ticked."""
    if sure and path.name.startswith(FORGOTTEN) and path.parent == paths.DATA:
        shutil.rmtree(path)
