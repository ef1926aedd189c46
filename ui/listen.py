"""Listen: choose a sound, play it, and play its nearest neighbours."""

import streamlit as st

from data_prep.dataset import Clip
from lsh import LSHError
from ui import asks, cards, doors, finding, measures, media, near, remarks, session, taking, visits
from ui.answer import answer
from ui.components import query_player
from ui.loading import PageContext
from ui.text import clean


def show(context: PageContext) -> None:
    """Draw the page: your sound on the left, what is near it on the right."""
    clip, unknown = visits.current_clip(context)
    if clip is None:
        remarks.empty_collection()
        return
    left, right = st.columns([5, 9], gap="large")
    with left, st.container(key="your-sound"):
        remarks.unknown_clip(unknown)
        _player(context, clip)
        finding.box(context.dataset)
        doors.draw("map", "See it on the map", clip=clip.clip_id)
    with right:
        numbers = measures.place()
        said = st.container(key="said", gap="small")
        try:
            found = answer(context, clip)
        except LSHError as error:
            remarks.unsearchable(error)
            return
        with said:
            remarks.draw_summary(context, found)
        near.draw(context, "neighbours", clip, found, lambda to: visits.follow(to, clip.clip_id))
        taking.buttons(context, clip, found, link=True)
        now = measures.draw(context, numbers)  # after the neighbours, for it takes longer
        with said:
            remarks.draw_suggestions(context, found, now)


@st.fragment
def _player(context: PageContext, clip: Clip) -> None:
    dataset = context.dataset
    data = {
        "clip": {
            "id": clip.clip_id,
            "title": cards.title(dataset, clip),
            "media": media.source(dataset, clip),
            "peaks": media.peaks(dataset, clip, media.PLAYER_BARS),
            "when": media.origin(dataset, clip),
            "gone": "This video is gone from YouTube." if clip.clip_id in session.GONE.get() else None,
        },
        "collection": dataset.fingerprint[:16],
        "trail": _steps(context),
        "sound": asks.requested_sound(context, "player"),
    }
    query_player(
        key="player",
        data=data,
        on_sound_change=asks.on("player", "sound", asks.store_clip(session.sound_asked("player"))),
        on_back_change=asks.on("player", "back", asks.and_rerun(visits.go_back)),
        on_gone_change=asks.on("player", "gone", asks.store_unplayable),
    )
    asks.rerun_if_moved()


def _steps(context: PageContext) -> list[dict[str, str]]:
    clips = (context.dataset.find_clip(clip_id) for clip_id in context.settings.trail)
    titles = [(clip.clip_id, cards.title(context.dataset, clip)) for clip in clips if clip]
    return [{"id": clip_id, "name": clean(title.split(" · ")[0], 24), "title": title} for clip_id, title in titles]
