"""What every chapter of the tutorial looks at: your sound, its answer, and how far everybody is from it."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from data_prep.dataset import Clip
from lsh import LSHIndex, inspecting
from lsh.arrays import Float32Array
from lsh.sampling import evenly_spaced_rows
from ui import charts, loading, state
from ui.answer import Answer, answer
from ui.figures import Mode
from ui.figures.lessons import Angles
from ui.loading import PageContext
from ui.state import K_NEIGHBOURS, Settings

MOST_ROWS = 100_000  # clips whose angles are drawn; of a larger collection evenly spaced ones


@dataclass(frozen=True, slots=True)
class Lesson:
    """Your sound in this collection: `query` float32[d] is its feature, `found` what LSH finds at your setting."""

    context: PageContext
    clip: Clip
    query: Float32Array
    found: Answer
    mode: Mode

    @property
    def s(self) -> Settings:
        """Return the settings in force."""
        return self.context.settings

    @property
    def angles(self) -> Angles:
        """Return the angles from your sound to the clips: the first chapters speak of angles, whatever the distance."""
        own = self.clip.row if self.clip.split == "train" else -1
        index = loading.index_for(self.context.dataset, replace(self.s, metric="cosine", bucket_width=None))
        return _angles((self.context.dataset.fingerprint, self.s.seed, self.clip.clip_id), index, self.query, own)


def look(context: PageContext, clip: Clip) -> Lesson:
    """Search for the clip as Listen does. Raises LSHError when it cannot be searched for."""
    loading.warm_up(context.index)
    query = np.ascontiguousarray(context.dataset.features(clip.split)[clip.row])
    return Lesson(context, clip, query, answer(context, clip), charts.mode())


def slider(name: str, label: str, most: int, of: Settings) -> int:
    """Draw one of the sidebar's sliders once more, where it is spoken of; moving either moves both."""
    key, now = f"lesson {name}", {"L": of.n_tables, "K": of.n_bits, "probes": of.n_probes}[name]
    st.session_state[key] = now
    st.slider(label, 1, most, key=key, on_change=_follow, args=(name,))
    return now


def _follow(name: str) -> None:
    value = int(st.session_state[f"lesson {name}"])
    state.apply(**{{"L": "n_tables", "K": "n_bits", "probes": "n_probes"}[name]: value})


@st.cache_resource(max_entries=32, show_spinner=False)
def _angles(key: tuple[object, ...], _index: LSHIndex, _query: Float32Array, _own: int) -> Angles:  # noqa: ARG001  (the key)
    everybody = inspecting.apart(_index, _query, evenly_spaced_rows(_index.n, MOST_ROWS))
    ids = _index.exact.search(_query[None], K_NEIGHBOURS + 1).ids[0]
    ids = ids[(ids >= 0) & (ids != _own)][:K_NEIGHBOURS]
    return Angles(everybody, np.sort(inspecting.apart(_index, _query, ids)))
