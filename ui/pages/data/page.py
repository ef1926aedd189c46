"""Data: the open collection and its source, downloading AudioSet, and one's own sounds or embeddings."""

import os
from functools import partial
from math import floor
from pathlib import Path

import pandas as pd
import streamlit as st

from data_prep.audioset.disk_space import PUBLISHED_CLIPS, format_bytes, kept_bytes, published_bytes
from data_prep.audioset.fetch import NAMES, SUBSETS, Subset, disk_space_for
from data_prep.dataset import Dataset, verify_dataset
from data_prep.dataset.indexes import problems_of_indexes
from data_prep.errors import InputError
from data_prep.sounds.sound_files import sound_folder
from lsh.analysis import machine
from ui import paths
from ui.format import megabytes, plural
from ui.model import exclusive
from ui.model.loading import DatasetContext
from ui.model.text import plain
from ui.pages.data import manage, vectors
from ui.pages.data.folder import collection_of, listening
from ui.pages.data.making import draw_job, elsewhere
from ui.server import hosting, uploads
from ui.server.jobs import jobs
from ui.widgets import long_work
from ui.widgets.charts import draw_table

_DISK = {
    subset: f"needs {format_bytes(sum(published_bytes(subset)))} of disk while it works, and keeps "
    f"{format_bytes(kept_bytes(PUBLISHED_CLIPS[subset]))}"
    for subset in SUBSETS
}
SIZES: dict[Subset, str] = {
    "balanced": f"42,531 clips. Reads up to 2.4 GB, {_DISK['balanced']}.",
    "full": f"2,084,320 clips. Downloads 2.4 GB, {_DISK['full']}.",
}
_ONTOLOGY = "https://research.google.com/audioset/ontology/index.html"
_MAX_LISTED = 50
_MAX_NOTES = 5


def show(context: DatasetContext) -> None:
    """Draw the page."""
    st.title("Data")
    _this_collection(context)
    manage.draw(context)
    _get_audioset()
    _own_folder()
    vectors.show()
    with st.expander("This machine"):
        st.markdown(plain(machine.summary(), longest=600))


def _this_collection(context: DatasetContext) -> None:
    dataset = context.dataset
    st.header(plain(dataset.title))
    left, right = st.columns(2, gap="large")
    with left:
        source = "a file that you gave; you alone see it" if uploads.is_own(dataset) else plain(dataset.source, 600)
        st.markdown(f"**From** {source}")
        st.markdown(f"**Licence** {plain(dataset.licence)}")
        if definitions := dataset.manifest.get("definitions"):
            of_sentences = f"{plain(definitions['source'])}; {plain(definitions['licence'])}"
            st.markdown(f"**Definitions of labels** {of_sentences}")
        elif dataset.media == "youtube" and all(mid.startswith(("/m/", "/t/")) for mid in dataset.label_mids):
            st.markdown(f"**Definitions of labels** in [AudioSet's ontology]({_ONTOLOGY})")
        features = dataset.manifest["features"]
        made = " · ".join(plain(features[name]) for name in ("embedder", "aggregation") if features.get(name))
        bits = {"float32": "", "float16": " of 16 bits", "uint8": " of 8 bits"}[dataset.dtype]
        st.markdown(f"**Features** {dataset.dim} numbers{bits} per clip. {made}")
    with right:
        splits = (("database", "train"), ("to tune with", "validation"), ("to test with", "test"))
        counts = [(name, f"{dataset.n_rows(split):,}") for name, split in splits]
        draw_table(pd.DataFrame(counts, columns=["clips", "count"]))
        n_bytes = sum(int(facts["bytes"]) for facts in dataset.manifest["files"].values())
        st.markdown(f"{plural(len(dataset.label_names), 'label')}, {megabytes(n_bytes)} on disk.")
    _notes(dataset)
    _verification(dataset)


def _verification(dataset: Dataset) -> None:
    """Draw the button that verifies the files, and what was found."""
    of = str(dataset.path), dataset.fingerprint
    st.button(
        "Verify files",
        help="Compares each file with its sha256, and every count and row.",
        on_click=long_work.request,
        args=("verify", of),
    )

    def verify() -> list[str]:
        with st.spinner("Reading every file…"), exclusive.RUNS.interrupted():
            return verify_dataset(dataset.path) or problems_of_indexes(dataset)

    problems = long_work.result("verify", of, verify)
    if problems:
        st.warning(f"{plural(len(problems), 'thing is', 'things are')} wrong: {plain(problems[0], 600)}")
    elif problems is not None:
        st.info(f"All {len(dataset.manifest['files'])} files are undamaged.")


def _notes(dataset: Dataset) -> None:
    notes = dataset.manifest["notes"]
    for note in notes[:_MAX_NOTES]:
        st.caption(plain(note, 600))
    if len(notes) > _MAX_NOTES:
        st.caption(f"… and {plural(len(notes) - _MAX_NOTES, 'more note')}, listed in the collection's manifest.")
    skipped = dataset.manifest["skipped"]
    if skipped:
        with st.expander(f"{plural(len(skipped), 'thing was', 'things were')} left out"):
            for entry in skipped[:_MAX_LISTED]:
                st.markdown(f"- {plain(entry.get('where', ''))}: {plain(entry.get('reason', ''))}")
            if len(skipped) > _MAX_LISTED:
                st.markdown(f"… and {len(skipped) - _MAX_LISTED:,} more, listed in the collection's manifest.")


def _get_audioset() -> None:
    st.header("Get AudioSet")
    st.markdown(
        "The features of two million ten-second clips from YouTube, with 527 labels, published by Google (CC BY 4.0). "
        "Stop whenever you like: it continues where it was."
    )
    if elsewhere("python -m data_prep audioset --subset balanced"):
        return
    subset: Subset = st.radio(
        "How much of it", SUBSETS, format_func=lambda name: name.capitalize(), captions=[SIZES[s] for s in SUBSETS]
    )
    out = paths.DATA / NAMES[subset]
    if os.path.lexists(out) and not (out / "manifest.json").exists():
        st.warning(f"{plain(out)} is in the way: it is no collection. Move it elsewhere first.")
        return
    _warn_of_full_disk(subset, out)
    here = NAMES[subset] if out.exists() else None
    work = hosting.download_work(subset, out)
    draw_job(f"audioset {subset}", work, lambda: here, begin="Download and prepare", again=None)


def _warn_of_full_disk(subset: Subset, out: Path) -> None:
    """Warn before the download that the disk has too little space."""
    job = jobs().get(f"audioset {subset}")
    if (job is not None and job.running) or (out / "manifest.json").exists():
        return
    needed, free = disk_space_for(subset, out)
    if free < needed:
        st.warning(
            f"Too little space: {format_bytes(needed)} are needed while it works, and the disk of this app has "
            f"{format_bytes(free, floor)} free. Free {format_bytes(needed - free)} more first."
        )


def _own_folder() -> None:
    st.header("Your own sounds")
    st.markdown(
        "A folder of sound files (wav, flac, mp3, m4a, ogg and most others) becomes a collection: the names of its "
        "sub-folders are labels, a model suggests more, and what you hear is your own files. A later run listens only "
        "to new files."
    )
    if elsewhere("python -m data_prep folder ~/Sounds --out data/sounds"):
        return
    typed = st.text_input("The folder", placeholder="~/Sounds", key="folder", max_chars=1000).strip()
    if not typed:
        return
    try:
        sounds = sound_folder(typed)
    except InputError as error:
        st.warning(plain(error, 600))
        return
    begin = f"Listen to {plain(sounds.name or sounds, 40)}"
    find = partial(collection_of, sounds)
    draw_job(f"folder {sounds}", listening(sounds), find, begin=begin, again="Listen to what is new")
