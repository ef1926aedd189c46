"""Tidy: groups of sounds that are equal or nearly so, which one of each to keep, and a list or archive of the rest."""

from functools import partial

import streamlit as st

from lsh import Duplicates, LSHError
from ui.format import plural
from ui.model import commands, media, session
from ui.model.loading import PageContext
from ui.model.text import plain
from ui.server import export_files
from ui.widgets import duplicate_groups, links
from ui.widgets.duplicate_groups import MAX_ROWS, NEAR, Group

INTRO = (
    "Sounds that are in the collection twice, or nearly so, found by the hash tables of LSH. Listen, choose the one of "
    "each group to keep, and take a list of the rest. **Nothing is deleted here.**"
)
RADII = {"equal": 0.0, "nearly equal": NEAR, "much alike": 0.5}  # of the usual distance to the nearest neighbour
_HELP = (
    "Equal: at distance 0. Nearly equal: at most a third as far from each other as a sound "
    "here usually is from its nearest neighbour. Much alike: at most half as far."
)
_LISTED = 10
_COLUMNS = ("group", "keep", "clip_id", "labels", "distance", "start_s", "end_s", "where")


def show(context: PageContext) -> None:
    """Draw the page: how near, the groups, and the files of the rest."""
    st.title("Tidy up")
    st.markdown(INTRO)
    dataset = context.dataset
    if dataset.n_rows("train") > MAX_ROWS:
        st.markdown("This collection is too large for a page to wait. This command lists its groups in some minutes:")
        st.code(f"python -m lsh duplicates {commands.folder(dataset.path)}", language="bash")
        return
    nearness = st.radio(
        "How near", list(RADII), 1, key=session.NEARNESS.name, bind="query-params", horizontal=True, help=_HELP
    )
    try:
        found = duplicate_groups.find(context, RADII[nearness])
    except LSHError as error:
        st.warning(plain(error, 600))
        return
    st.markdown(_said(context, found))
    if found.groups:
        _groups(context, found, nearness)
    links.draw("learn", "How are they found so fast?", chapter="Duplicates")


def _said(context: PageContext, found: Duplicates) -> str:
    n, members = context.dataset.n_rows("train"), sum(map(len, found.groups))
    if not found.groups:
        return f"**No two of the {n:,} sounds are that near to each other.** A tidy collection."
    rest = plural(members - len(found.groups), "sound")
    of = f"**{plural(len(found.groups), 'group')} of {members:,} sounds, of {n:,}**: {rest} could go."
    how = "compared with all others" if not found.n_tables else f"found in {plural(found.n_tables, 'table')}"
    if found.radius == 0:
        return of
    return f"{of} Two sounds belong together at a distance of at most {found.radius:.4f} ({how})."


def _groups(context: PageContext, found: Duplicates, nearness: str) -> None:
    name = f"earshot-{context.settings.dataset.replace('/', '-')}-rest"
    chosen = duplicate_groups.choices(context)

    def all_groups() -> list[Group]:
        return duplicate_groups.groups_of(context, found, 0, len(found.groups), chosen)

    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("The rest:", width="content")
        download = partial(st.download_button, on_click="ignore")
        download("CSV", lambda: as_csv(context, all_groups()), f"{name}.csv", "text/csv", help="All groups.")
        if context.dataset.media == "file":
            words = "The sound files that are not kept, as they are in your folder, to look at before you delete them."
            download("The files", lambda: as_zip(context, all_groups()), f"{name}.zip", "application/zip", help=words)
    pages = -(-len(found.groups) // _LISTED)
    page = st.number_input(f"Page, of {pages}", 1, pages, key=f"tidy page {nearness}", width=160) if pages > 1 else 1
    start = (int(page) - 1) * _LISTED
    groups = duplicate_groups.groups_of(context, found, start, start + _LISTED, chosen)
    duplicate_groups.draw(context, "tidy", groups, start + 1, choice=True)
    if found.capped:
        st.caption("Of a group of more than a hundred equal sounds not every pair was compared.")


def as_csv(context: PageContext, groups: list[Group]) -> bytes:
    """Return the groups as CSV: a row per clip, the one that is kept first, with the distances from it."""
    dataset = context.dataset
    rows = [
        {
            "group": number,
            "keep": "yes" if clip is group.kept else "no",
            "clip_id": clip.clip_id,
            "labels": media.title(dataset, clip),
            "distance": round(distance, 6),
            "start_s": clip.start_s,
            "end_s": clip.end_s,
            "where": export_files.where(dataset, clip),
        }
        for number, group in enumerate(groups, 1)
        for clip, distance in zip(group.clips, group.distances, strict=True)
    ]
    return export_files.as_table(_COLUMNS, rows)


def as_zip(context: PageContext, groups: list[Group]) -> bytes:
    """Return the files that are not kept as a zip archive; a file of which another clip is kept is left out."""
    kept = {group.kept.media for group in groups}
    rest = [clip for group in groups for clip in group.clips if clip.media not in kept]
    return export_files.as_zip([("", context.dataset, clip) for clip in rest])
