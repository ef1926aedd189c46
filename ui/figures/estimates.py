"""Distances estimated from sketches against true distances of the candidates."""

import numpy as np

from ui.figures.figure import Figure, Trace
from ui.figures.marks import Floats, found_and_missed, label, line, marker, points
from ui.figures.palette import CANDIDATE, INK, SOFT_INK, Mode, new_figure

HEIGHT = 420
_MAX_POINTS = 2500  # candidates drawn; the nearest by estimate are all among them


def estimates(true: Floats, estimated: Floats, limit: float, nearest: Floats, kept: list[bool], mode: Mode) -> Figure:
    """Draw candidates at (true distance, estimate), the line below which they are re-ranked, and the true nearest.

    true, estimated: float[m], in order of the estimate. nearest: float[2, k], true distances and estimates of the
    nearest candidates; kept: whether each of them was re-ranked, and so returned.
    """
    figure = new_figure("true distance", "distance by sketch", mode, height=HEIGHT, right=24, top=16)
    shown = np.unique(
        np.concatenate([np.arange(min(200, len(true))), np.linspace(0, len(true) - 1, _MAX_POINTS).astype(int)])
    )
    low = float(min(true.min(), estimated.min(), nearest.min(initial=np.inf)))
    high = float(max(true.max(), estimated.max()))
    room = 0.04 * (high - low or 1.0)
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(range=[low - room, high + room])
    diagonal = {"color": SOFT_INK[mode], "width": 1, "dash": "dash"}
    figure.add_trace(line([low, high], [low, high], "equal", diagonal))
    small = {"size": 4, "color": CANDIDATE, "opacity": 0.7}
    figure.add_trace(_at(true[shown], estimated[shown], "candidate", small))
    figure.add_hline(y=limit, line={"color": INK[mode], "width": 1.5})
    label(figure, high, limit, "re-ranked: below this line", mode, to_left=True, lift=-12)
    for meaning, chosen in found_and_missed(kept):
        name = "came out" if meaning == "found" else "lost"
        figure.add_trace(_at(nearest[0, chosen], nearest[1, chosen], name, marker(meaning, 11, mode)))
    return figure


def _at(true: Floats, estimated: Floats, name: str, mark: dict[str, object]) -> Trace:
    texts = [f"truly {x:.3f}, by sketch {y:.3f}" for x, y in zip(true, estimated, strict=True)]
    return points(true, estimated, name, mark, texts)
