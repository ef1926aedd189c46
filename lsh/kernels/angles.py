"""Angles about the centre of the data: the widest under which a query and a vector near it are seen."""

import math
from typing import Any

import numpy as np

from lsh.arrays import Float32Array
from lsh.kernels.jit import kernel
from lsh.kernels.ranking import COSINE


@kernel
def widest_angle(q: Float32Array, distance: float, metric: int, geometry: tuple[Any, ...]) -> float:
    """Return the cotangent of the widest angle, about the centre, of q and a vector within `distance` of it.

    q: float32[d], of length one under cosine; geometry: the fields of `Geometry`.
    """
    centre, least = geometry[2], geometry[3]
    own, along, middle = 0.0, 0.0, 0.0
    for t in range(q.shape[0]):
        difference = np.float64(q[t]) - centre[t]
        own += difference * difference
        along += np.float64(q[t]) * centre[t]
        middle += centre[t] * centre[t]
    length = math.sqrt(own)
    if length == 0:
        return 0.0  # every side is as likely as the other
    if metric == COSINE:
        angle = math.acos(max(-1.0, min(1.0, 1 - distance)))
        cosine = _least_cosine(angle, along, middle, length, least)
    elif distance < length and least * least <= own - distance * distance:
        cosine = math.sqrt(max(0.0, 1 - distance * distance / own))
    elif least == 0:
        cosine = -1.0
    else:
        cosine = (own + least * least - distance * distance) / (2 * length * least)
    cosine = max(-1.0, min(1.0, cosine))
    return cosine / math.sqrt(max(1 - cosine * cosine, 1e-30))


@kernel
def _least_cosine(angle: float, along: float, middle: float, length: float, least: float) -> float:
    """Return the least cosine, about a centre c, of unit vectors q and x at most `angle` apart.

    along: q.c; middle: |c|²; length: |q - c|; least: of |x - c|. With s = x.c the cosine is (cos(angle) - s - q.c +
    |c|²) / (|q - c| sqrt(1 + |c|² - 2 s)), which is least at s = 1 + q.c - cos(angle), or at the nearest s to it that
    such an x may have.
    """
    radius = math.sqrt(middle)
    if radius == 0:
        return math.cos(angle)
    off = math.acos(max(-1.0, min(1.0, along / radius)))
    lowest = radius * math.cos(min(math.pi, off + angle))
    highest = radius if angle >= off else radius * math.cos(off - angle)
    highest = max(lowest, min(highest, (1 + middle - least * least) / 2))
    s = max(lowest, min(highest, 1 + along - math.cos(angle)))
    return (math.cos(angle) - s - along + middle) / (length * math.sqrt(max(1 + middle - 2 * s, 1e-30)))
