"""Log-mel spectrograms as VGGish computes them, in plain numpy.

Frames of 25 ms every 10 ms, a periodic Hann window, the magnitude of a 512-point FFT, 64 triangular bands from 125 to
7500 Hz on the HTK mel scale, and log(x + 0.01): Hershey et al., CNN architectures for large-scale audio classification,
ICASSP 2017, and models/audioset/vggish/mel_features.py of the TensorFlow models.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from data_prep.arrays import Float64Array

SAMPLE_RATE = 16_000
WINDOW = 400  # 25 ms
HOP = 160  # 10 ms
FFT = 512
N_BANDS = 64
MIN_HERTZ, MAX_HERTZ = 125.0, 7500.0
LOG_OFFSET = 0.01


def mel(hertz: npt.ArrayLike) -> Float64Array:
    """Return the HTK mel scale of a frequency: 1127 ln(1 + f / 700) (O'Shaughnessy 1987)."""
    return 1127.0 * np.log1p(np.asarray(hertz, dtype=float) / 700.0)


@cache
def mel_filterbank() -> Float64Array:
    """Return float64[257, 64]: the weight of each FFT bin in each band; triangles over the mel scale with peak one."""
    bins = mel(np.fft.rfftfreq(FFT, 1 / SAMPLE_RATE))[:, None]
    edges = np.linspace(mel(MIN_HERTZ), mel(MAX_HERTZ), N_BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    weights[0] = 0.0  # the constant component is excluded
    weights.flags.writeable = False
    return weights


def log_mel(audio: npt.NDArray[np.floating]) -> Float64Array:
    """Return float64[1 + (n - 400) // 160, 64] for mono samples at 16 kHz in [-1, 1]; n is at least 400."""
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(audio, dtype=float), WINDOW)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi / WINDOW * np.arange(WINDOW))
    magnitudes = np.abs(np.fft.rfft(frames * window, FFT))  # (frames, 257)
    return np.log(magnitudes @ mel_filterbank() + LOG_OFFSET)
