"""The angles of a query to its neighbours and to all clips."""

import numpy as np

from lsh.analysis import inspecting
from ui.figures.tutorial import Angles
from ui.model import query_view
from ui.model.query_view import QueryView


def angles_of(view: QueryView) -> Angles:
    """Return the angles from the query to the clips: the first chapters are about angles, whatever the distance."""
    cosine = query_view.under(view, "cosine")
    nearest = inspecting.apart(cosine.index, cosine.query, cosine.answer.exact.rows)
    return Angles(query_view.distances(cosine), np.sort(nearest))
