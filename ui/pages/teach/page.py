"""Teach: a label learned from sounds that the visitor marks yes or no; what to judge next, and how good it is."""

import streamlit as st

from data_prep.dataset import Clip
from lsh.feedback import MIN_EACH, MIN_MARKS, Order
from ui.components import teach_list
from ui.format import percent, plural
from ui.model import media, session, visits
from ui.model.loading import DatasetContext
from ui.model.text import plain
from ui.pages.teach import export, marks
from ui.pages.teach.marks import Lesson
from ui.widgets import answer_messages, cards, events, links

INTRO = (
    "Say **yes** or **no** to some sounds: more like these, less like those. A few marks move the search; from ten on, "
    "with both kinds, a classifier learns the difference. Your marks stay in this browser."
)
UNNAMED = "my sound"  # a label without a name
ORDERS: dict[Order, str] = {"likely": "the most likely ones", "uncertain": "the least certain ones"}
_ORDER_HELP = (
    "Most likely: to collect what you look for. Least certain: nearest to the boundary, where your answer teaches most."
)


def show(context: DatasetContext) -> None:
    """Draw the page: the label's name, the sounds to judge, and what was learned."""
    clip, unknown = visits.current_clip(context)
    st.title("Teach a sound")
    if clip is None:
        answer_messages.empty_collection()
        return
    st.markdown(INTRO)
    answer_messages.unknown_clip(unknown)
    typed = st.text_input(
        "What do you listen for?",
        key=session.TAUGHT.name,
        bind="query-params",
        max_chars=marks.MAX_NAME,
        placeholder="a name for it, such as: rain on a roof",
    )
    _lesson(context, clip, marks.name_of(typed) or UNNAMED)


@st.fragment
def _lesson(context: DatasetContext, query: Clip, name: str) -> None:
    lesson = marks.lesson_of(context, query, name)
    left, right = st.columns([9, 5], gap="large")
    with left:
        _judge(lesson)
    with right:
        st.header("What it has learned")
        st.markdown(_learned(lesson))
        st.markdown(_precision(lesson))
        export.draw(lesson)
        links.draw("listen", "Choose another sound to begin with, on Listen")


def _judge(lesson: Lesson) -> None:
    order: Order = "likely"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if lesson.is_classifier:
            order = st.radio(
                "Judge next",
                list(ORDERS),
                format_func=lambda one: ORDERS[one],
                key=session.TEACH_ORDER.name,
                horizontal=True,
                help=_ORDER_HELP,
            )
        clips, has_new = marks.listed(lesson, order)
        st.button("Next ten", type="primary" if has_new else "secondary", on_click=marks.list_anew)
    shown = {lesson.query.clip_id: _query_card(lesson)} | {clip.clip_id: _card(lesson, clip) for clip in clips}
    data: dict[str, object] = {
        "title": "Sounds to judge",
        "name": lesson.name,
        "marks": _told(lesson),
        "query": lesson.query.clip_id,
        "cards": shown,
        "order": list(shown),
        "empty": "",
        "min_cards": len(shown),
        "hides_unplayable": visits.hides_unplayable(),
    }
    events.draw(
        teach_list,
        "teach list",
        lesson.context,
        data,
        moves={"query": lambda to: visits.follow(to, lesson.query.clip_id)},
        presses={"marks": marks.store, "open": _open},
    )


def _told(lesson: Lesson) -> dict[str, list[str]]:
    """Return the marks as the browser has told them; it compares them with those that it has."""
    of, name, yes, no = session.MARKS.get()
    is_this = (of, name) == (lesson.context.settings.dataset, lesson.name)
    return {"yes": list(yes) if is_this else [], "no": list(no) if is_this else []}


def _open(name: object) -> None:
    """Open another label that has marks."""
    if isinstance(name, str):
        session.TAUGHT.set(marks.name_of(name))
        session.MOVED.set(True)


def _query_card(lesson: Lesson) -> dict[str, object]:
    clip = lesson.query
    words = " · ".join(filter(None, ["your sound", media.length(clip)]))
    return cards.card(lesson.context, clip, clip, words, kind="query")


def _card(lesson: Lesson, clip: Clip) -> dict[str, object]:
    score = float(lesson.scorer.score(lesson.context.dataset.features(clip.split)[[clip.row]])[0])
    if lesson.is_classifier:
        words = f"called {'yes' if score > 0 else 'no'}, score {score:+.2f}"
    elif lesson.context.settings.metric == "cosine":
        words = f"similarity {score:.2f}"
    else:
        words = f"distance {-score:.2f}"
    words = " · ".join(filter(None, [words, media.length(clip)]))
    return cards.card(lesson.context, clip, lesson.query, words, kind="plain")


def _learned(lesson: Lesson) -> str:
    yes, no, name = len(lesson.yes), len(lesson.no), plain(lesson.name)
    total = f"{lesson.context.dataset.n_rows('train'):,}"
    if not yes + no:
        return f"Nothing is marked for “{name}” yet. Listed are the sounds nearest to yours, of {total}."
    counts = f"**{yes} yes, {no} no** for “{name}”."
    if lesson.is_classifier:
        return (
            f"{counts} A linear classifier (logistic regression) learns from them and scores all {total} sounds: above "
            "0 it calls a sound yes. The higher, the surer."
        )
    missing = " of both kinds" if not yes or not no else ""
    chance = (
        " Half of the next ten are drawn by chance, to find some of the other kind." if lesson.seeks_other_kind else ""
    )
    return (
        f"{counts} Your sound is moved towards what you marked yes, and away from what you marked no (Rocchio 1971). "
        f"From {MIN_MARKS} marks{missing} on, a classifier learns the difference.{chance}"
    )


def _precision(lesson: Lesson) -> str:
    found = lesson.precision()
    if found is None:
        return (
            f"Too few marks to say how good it is: {MIN_EACH} of each kind are needed, and some that it recognises. "
            f"You have {plural(len(lesson.yes), 'yes', 'yes')} and {plural(len(lesson.no), 'no', 'no')}."
        )
    return (
        f"**Precision over your marks: {percent(found.value)}** ({percent(found.low)} to {percent(found.high)}). Of "
        f"the {found.called} marked sounds that it called yes without having been told, {found.right} are (five-fold "
        "cross-validation; in brackets the 95 % interval). What you mark is no random sample: over the whole "
        "collection the figure may differ."
    )
