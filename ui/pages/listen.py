"""Listen: choose a sound, play it, and play its nearest neighbours."""

import streamlit as st

from data_prep.dataset import Clip
from lsh import LSHError
from ui.components import query_player
from ui.frame import controls
from ui.model import lens, media, visits
from ui.model.answer import Answer, Neighbours, answer, exact_answer_to, query_of
from ui.model.loading import DatasetContext, PageContext
from ui.model.text import clean
from ui.widgets import answer_messages, events, export, filter_panel, links, metrics_strip, neighbour_lists, search_box

INTRO = "Browse by ear: press play, then **Find similar** on any sound, to hear those that are most like it."


def show(context: DatasetContext) -> None:
    """Draw the page: your sound on the left, what is near it on the right; without an index, the exact neighbours."""
    clip, unknown = visits.current_clip(context)
    if clip is None:
        answer_messages.empty_collection()
        return
    st.title("Hear what sounds alike")
    st.markdown(INTRO)
    controls.draw_included(context)
    search_box.box(context, clip)
    left, right = st.columns([5, 9], gap="large")
    with left.container(key="query-column"):
        answer_messages.unknown_clip(unknown)
        _player(context, clip)
        with st.container(horizontal=True, gap="small"):
            links.draw("map", "See it on the map", clip=clip.clip_id)
            links.draw("teach", "More like these", clip=clip.clip_id)
        filter_panel.draw_panel(context)
    with right:
        with_lsh = lens.is_on(context)
        numbers = metrics_strip.place() if with_lsh else st.container()
        filter_panel.draw_chips(context)
        summary = st.container(key="summary", gap="small")
        found: Answer | Neighbours
        try:
            if isinstance(context, PageContext) and with_lsh:
                found = answer(context, clip)
            else:
                found = exact_answer_to(context, *query_of(context, clip))
        except LSHError as error:
            answer_messages.unsearchable(error)
            return
        with summary:
            neighbour_lists.draw_summary(context, found)
        neighbour_lists.draw(context, "neighbours", clip, found, lambda to: visits.follow(to, clip.clip_id))
        neighbour_lists.draw_more(context, found)
        export.buttons(context, clip, found, link=True)
        if isinstance(context, PageContext) and isinstance(found, Answer):
            now = metrics_strip.draw(context, numbers)  # after the neighbours, for it takes longer
            with summary:
                answer_messages.draw_suggestions(context, found, now)


def _player(context: DatasetContext, clip: Clip) -> None:
    dataset = context.dataset
    wave = media.waveform(dataset, clip, media.PLAYER_BARS)
    data = {
        "clip": {
            "id": clip.clip_id,
            "title": media.title(dataset, clip),
            "media": media.source(dataset, clip),
            "peaks": wave.heights,
            "level": wave.level,
            "origin": media.origin(dataset, clip),
        },
        "trail": _steps(context),
    }
    events.draw(query_player, "player", context, data, moves={"back": visits.go_back})


def _steps(context: DatasetContext) -> list[dict[str, object]]:
    """Return the clips of the trail, the last one first."""
    clips = [context.dataset.find_clip(clip_id) for clip_id in reversed(context.settings.trail)]
    return [
        {
            "id": clip.clip_id,
            "name": clean(title.split(" · ")[0], 80),
            "title": title,
            "length": media.length(clip),
            "sound": context.dataset.media != "youtube",
        }
        for clip in clips
        if clip and (title := media.title(context.dataset, clip))
    ]
