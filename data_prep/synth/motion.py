"""What movement does to a sound: it swells and fades, and its pitch falls as it goes by."""

import numpy as np

from data_prep.synth.toolbox import (
    TIME,
    Audio,
)

_SPEED_OF_SOUND = 343.0


def passing(
    rng: np.random.Generator, speeds: tuple[float, float], distances: tuple[float, float]
) -> tuple[Audio, Audio]:
    """Return the factors of pitch (Doppler) and loudness of something that goes by in a straight line.

    Speed in m/s and nearest distance in m are drawn from the ranges given, the moment it is nearest from a span
    a second wider than the clip on either side, so that most clips hear it come, or go, or neither.
    """
    speed, nearest = rng.uniform(*speeds), rng.uniform(*distances)
    along = speed * (TIME - rng.uniform(-1, 3.5))
    distance = np.hypot(along, nearest)
    return 1 / (1 + speed * along / distance / _SPEED_OF_SOUND), nearest / distance
