"""Settings of the sidebar and of the link."""

from hypothesis import given
from hypothesis import strategies as st

from ui.model import state
from ui.model.state import DEFAULTS, Settings, parse

DATASETS = ["sample", "audioset", "my/sounds"]
NAMES = ["dataset", "metric", "L", "K", "probes", "seed", "w", "clip", "trail", "view", "show", "only", "bogus"]
junk = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", "0", "1", "24", "25", "-1", "٣", "1e3", "nan", "inf", "12 ", "0x10", "sample", "cosine", "a*b*c"]
    ),
    st.none(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.lists(st.text(max_size=3)),
)


@given(st.dictionaries(st.sampled_from(NAMES), junk))
def test_parse_returns_allowed_values_only(raw):
    s = parse(raw, DATASETS)
    assert s.dataset in DATASETS
    assert s.metric in state.METRICS
    for value, least, most in (
        (s.n_tables, 1, state.MAX_TABLES),
        (s.n_bits, 1, state.MAX_BITS),
        (s.n_probes, 1, state.MAX_PROBES),
        (s.seed, 0, state.MAX_SEED),
    ):
        assert type(value) is int
        assert least <= value <= most
    assert s.k in range(10, 101, 10)
    assert isinstance(s.only, str)
    assert s.bucket_width is None or 0 < s.bucket_width <= state.MAX_WIDTH
    for clip in (*s.trail, *([s.clip] if s.clip else [])):
        assert clip.isascii()
        assert not set(clip) & set(" */\\?#&<>\"'`[](){}$:")
    assert len(s.trail) <= state.MAX_TRAIL


@given(
    st.builds(
        Settings,
        dataset=st.sampled_from(DATASETS),
        metric=st.sampled_from(state.METRICS),
        n_tables=st.integers(1, state.MAX_TABLES),
        n_bits=st.integers(1, state.MAX_BITS),
        n_probes=st.integers(1, state.MAX_PROBES),
        seed=st.integers(0, state.MAX_SEED),
        bucket_width=st.none() | st.floats(1e-6, state.MAX_WIDTH),
        clip=st.none() | st.from_regex(r"[\w.~-]{1,30}", fullmatch=True).filter(str.isascii),
        trail=st.lists(st.from_regex(r"[A-Za-z0-9_.~-]{1,20}", fullmatch=True), max_size=state.MAX_TRAIL).map(tuple),
        k=st.sampled_from(range(10, 101, 10)),
        only=st.text(max_size=40),
    )
)
def test_settings_are_unchanged_by_a_round_trip_through_the_link(s):
    link = {
        "dataset": s.dataset,
        "metric": s.metric,
        "L": str(s.n_tables),
        "K": str(s.n_bits),
        "probes": str(s.n_probes),
        "seed": str(s.seed),
        "w": None if s.bucket_width is None else repr(s.bucket_width),
        "clip": s.clip,
        "trail": state.join_trail(s.trail),
        "show": str(s.k),
        "only": s.only,
    }
    assert parse(link, DATASETS) == s


def test_an_empty_link_gives_the_defaults():
    assert parse({}, DATASETS) == DEFAULTS
    assert state.parsed_width(0) is None


def test_a_link_is_parsed_without_any_dataset():
    assert parse({"dataset": "../../etc"}, []).dataset == DEFAULTS.dataset


def test_a_trail_keeps_the_last_clips():
    assert parse({"trail": "*".join("abcdefghijkl")}, DATASETS).trail == tuple("efghijkl")


def test_a_rejected_value_is_reported_with_the_value_used_instead():
    link = {"K": "99", "L": "4", "dataset": "elsewhere"}
    notes = state.rejected(link, parse(link, DATASETS))
    assert notes == [
        "dataset=elsewhere is not a collection here; dataset=sample is used.",
        f"K=99 is not a whole number from 1 to 24; K={DEFAULTS.n_bits} is used.",
    ]
