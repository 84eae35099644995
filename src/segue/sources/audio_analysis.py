"""What an audio file sounds like: tempo, key, loudness and spectral descriptors, from its samples.

Which of our columns are Spotify's, and how far:

- ``tempo``: beats a minute; the same but for factors of 2, as everywhere that tempo is estimated.
- ``key`` and ``mode``: the same meaning (0 = C; 1 = major; key -1: none); estimates disagree on one track in a few.
- ``loudness``: dB below full scale as the root mean square of the whole file. Spotify's is weighted by ear and gated;
  the two differ by some dB and rise together.
- ``duration_ms``: the same.
- All else is ``audio_...``: descriptors of ours that no Spotify column equals. Spotify's energy, danceability and
  valence come from models that were never published, so they stay unknown; ``audio_energy`` is an amplitude.

Only the filter bank is librosa's: its other functions are compiled at first use, which takes most of a minute.

Sources: C. Krumhansl (1990), *Cognitive Foundations of Musical Pitch* (profiles of keys); D. Ellis (2007), *Beat
tracking by dynamic programming*, equations 1 and 2 (onset strength, prior of tempi).
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from segue.errors import MissingDependency, SourceError

if TYPE_CHECKING:
    import soundfile

__all__ = ["COLUMNS", "DESCRIPTORS", "RATE", "VERSION", "analyse_file", "analyse_samples", "require_audio"]

RATE: Final = 22_050
"""Samples a second at which everything is computed."""
VERSION: Final = 1
"""Changes whenever a number may; files are analysed anew then."""
N_MFCC: Final = 13
DESCRIPTORS: Final = (
    "audio_energy", "audio_dynamics", "audio_spectral_centroid", "audio_spectral_bandwidth", "audio_spectral_rolloff",
    "audio_spectral_flatness", "audio_zero_crossing_rate", "audio_onset_rate", "audio_key_strength",
    *(f"audio_mfcc_{i:02d}" for i in range(1, N_MFCC + 1)),
)  # fmt: skip
COLUMNS: Final = ("tempo", "key", "mode", "loudness", *DESCRIPTORS)

Samples = NDArray[np.float32]

_SILENCE = 1e-5  # root mean square below which there is nothing to analyse: -100 dB
_FRAME, _HOP = 2_048, 1_024
_BEAT_FRAME, _BEAT_HOP = 1_024, 256
_KEY_FRAME, _KEY_HOP = 8_192, 4_096
_SLOWEST, _FASTEST, _USUAL = 40.0, 220.0, 120.0  # beats a minute
_SHORTEST_FOR_TEMPO = 3.0  # seconds
_MOST_CHANNELS, _RATES = 32, (1_000, 384_000)
# Krumhansl and Kessler: how well each degree of the scale fits a key
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def require_audio() -> None:
    """Raises: MissingDependency: librosa or soundfile is not installed."""
    try:
        import librosa  # noqa: F401
        import soundfile  # noqa: F401
    except (ImportError, OSError) as error:  # soundfile without its library is an OSError
        raise MissingDependency("analysing audio files", extra="audio") from error


def analyse_file(path: Path, *, seconds: float = 120.0) -> dict[str, float | None]:
    """Analyse one file (WAV, FLAC, Ogg, Opus, MP3, AIFF and whatever else libsndfile reads).

    Args:
        seconds: how much of its middle is analysed; the duration is that of the whole.

    Returns:
        "duration_ms" and all of :data:`COLUMNS`; None where a thing cannot be told: no tempo without a pulse, no mode
        without a key.

    Raises:
        SourceError: unreadable, cut off, or without samples.
        MissingDependency: the extra "audio" is not installed.
    """
    require_audio()
    import soundfile

    if not path.is_file():
        raise SourceError("is no regular file", path=path)
    try:
        with soundfile.SoundFile(path) as file:
            samples, duration = _middle(file, path, seconds)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        # what libsndfile says itself often misleads: of a damaged MP3, that it does not exist
        reason = (
            "cannot be decoded: damaged, or of a kind that libsndfile does not know (WAV, FLAC, Ogg, MP3 are fine)"
        )
        raise SourceError(reason, path=path) from error
    return {"duration_ms": float(duration), **analyse_samples(samples)}


def analyse_samples(samples: Samples) -> dict[str, float | None]:
    """Analyse one channel at :data:`RATE`, float32 ``(n,)`` within about [-1, 1].

    >>> silent = analyse_samples(np.zeros(RATE, np.float32))
    >>> silent["loudness"], silent["key"], silent["tempo"], silent["audio_energy"]
    (-100.0, -1.0, None, 0.0)
    """
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    found: dict[str, float | None] = dict.fromkeys(COLUMNS)
    found |= {"key": -1.0, "loudness": -100.0, "audio_energy": 0.0}
    if rms < _SILENCE:
        return found
    found["loudness"] = 20.0 * math.log10(rms)
    found |= _spectral(samples) | _pulse(samples) | _key(samples)
    return {name: None if value is None else round(float(value), 6) for name, value in found.items()}


def _middle(file: soundfile.SoundFile, path: Path, seconds: float) -> tuple[Samples, int]:
    """The middle of a file as one channel at :data:`RATE`, and the duration of the whole in ms."""
    from scipy.signal import resample_poly

    rate, n = file.samplerate, file.frames
    if n <= 0:
        raise SourceError("holds no samples", path=path)
    if not _RATES[0] <= rate <= _RATES[1] or file.channels > _MOST_CHANNELS:
        raise SourceError(f"has {file.channels} channels at {rate:,} Hz, which is no music", path=path)
    wanted = min(n, int(seconds * rate))
    if wanted < n:
        file.seek((n - wanted) // 2)
    blocks: list[Samples] = []
    left = wanted
    while left > 0:  # by blocks: many channels at a high rate would fill the memory
        block = file.read(min(left, 1 << 18), dtype="float32", always_2d=True)
        if not len(block):
            raise SourceError(f"was cut off: {left / rate:.0f} of {n / rate:.0f} seconds are missing", path=path)
        blocks.append(block.mean(axis=1, dtype=np.float32))
        left -= len(block)
    mono = np.concatenate(blocks)
    if not np.isfinite(mono).all():
        raise SourceError("holds samples that are no numbers", path=path)
    shared = math.gcd(rate, RATE)
    if rate != RATE:
        mono = resample_poly(mono, RATE // shared, rate // shared).astype(np.float32)
    return np.clip(mono, -8.0, 8.0), round(1_000 * n / rate)


def _frames(samples: Samples, n: int, hop: int) -> Samples:
    """Overlapping frames under a Hann window, float32 ``(n_frames, n)``; short sounds are padded."""
    padded = np.pad(samples, (0, max(n - len(samples), 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, n)[::hop]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n) / n)
    return view * window.astype(np.float32)


def _magnitudes(samples: Samples, n: int, hop: int) -> Samples:
    """Magnitude spectra, float32 ``(n_frames, n // 2 + 1)``."""
    from scipy.fft import rfft  # numpy's would compute in double precision

    return np.abs(rfft(_frames(samples, n, hop), axis=1)).astype(np.float32)


def _spectral(samples: Samples) -> dict[str, float | None]:
    """Means over the frames that are not silent; frequencies in Hz."""
    from scipy.fft import dct

    frames = _frames(samples, _FRAME, _HOP)
    levels = np.sqrt(np.mean(np.square(frames), axis=1) / 0.375)  # 0.375: the mean square of the window
    if levels.max() < 1e-9:  # a few samples at the very edge of the window
        return {}
    s = _magnitudes(samples, _FRAME, _HOP)
    heard = levels > 1e-3 * levels.max()
    s, levels = s[heard], levels[heard]
    hertz = (np.arange(s.shape[1]) * (RATE / _FRAME)).astype(np.float32)
    total = s.sum(axis=1)
    centroid = s @ hertz / total
    bandwidth = np.sqrt((s * np.square(hertz - centroid[:, None])).sum(axis=1) / total)
    rolloff = hertz[(np.cumsum(s, axis=1) >= 0.85 * total[:, None]).argmax(axis=1)]
    power = np.maximum(np.square(s), 1e-10)
    flatness = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
    mel = 10.0 * np.log10(np.maximum(np.square(s) @ _mel(_FRAME).T, 1e-10))
    mfcc = dct(np.maximum(mel, mel.max() - 80.0), axis=1, type=2, norm="ortho")[:, :N_MFCC].mean(axis=0)
    decibels = 20.0 * np.log10(levels)
    signs = samples >= 0
    return {
        "audio_energy": float(levels.mean()),
        "audio_dynamics": float(np.percentile(decibels, 95) - np.percentile(decibels, 10)),
        "audio_spectral_centroid": float(centroid.mean()),
        "audio_spectral_bandwidth": float(bandwidth.mean()),
        "audio_spectral_rolloff": float(rolloff.mean()),
        "audio_spectral_flatness": float(flatness.mean()),
        "audio_zero_crossing_rate": float(np.mean(signs[1:] != signs[:-1])) if len(samples) > 1 else 0.0,
        **{f"audio_mfcc_{i:02d}": float(value) for i, value in enumerate(mfcc, start=1)},
    }


def _pulse(samples: Samples) -> dict[str, float | None]:
    """Tempo in beats a minute and onsets a second, from how much louder the bands become from frame to frame."""
    from scipy.signal import find_peaks

    frame_rate = RATE / _BEAT_HOP
    mel = 10.0 * np.log10(
        np.maximum(np.square(_magnitudes(samples, _BEAT_FRAME, _BEAT_HOP)) @ _mel(_BEAT_FRAME).T, 1e-10)
    )
    mel = np.maximum(mel, mel.max() - 80.0)
    strength = np.maximum(np.diff(mel, axis=0), 0.0).mean(axis=1)
    most = float(strength.max()) if len(strength) else 0.0
    if most < 1.0:  # decibels: a sound that never changes
        return {"tempo": None, "audio_onset_rate": 0.0}
    peaks, _ = find_peaks(strength, height=max(1.0, 0.15 * most), prominence=0.15 * most, distance=5)
    rate = len(peaks) / (len(samples) / RATE)
    return {"tempo": _tempo(strength, frame_rate), "audio_onset_rate": rate}


def _tempo(strength: NDArray[Any], frame_rate: float) -> float | None:
    """The best repeat of the onset strength, weighted towards usual tempi (log-normal, an octave wide)."""
    from scipy.signal import correlate

    n = len(strength)
    if n < _SHORTEST_FOR_TEMPO * frame_rate:
        return None
    centred = np.asarray(strength - strength.mean(), np.float64)
    repeats = correlate(centred, centred, mode="full", method="fft")[n - 1 :]
    repeats /= np.arange(n, 0, -1)  # fewer frames overlap at long lags
    if repeats[0] <= 0:
        return None
    repeats /= repeats[0]
    lags = np.arange(math.ceil(60.0 * frame_rate / _FASTEST), min(int(60.0 * frame_rate / _SLOWEST) + 1, n // 2))
    # of an onset between two frames, half is found at each lag beside it
    smooth = np.convolve(repeats, [0.5, 1.0, 0.5], mode="same")[lags]
    weight = np.exp(-0.5 * np.square(np.log2(60.0 * frame_rate / lags / _USUAL)))
    best = int((np.maximum(smooth, 0.0) * weight).argmax())
    if smooth[best] < 0.15:
        return None
    # many beats later the same lag is known many times as exactly
    lag, step = float(lags[best]), 1
    while (step := step * 2) <= 16 and lag * step + 3 < n // 2:
        near = np.arange(round(lag * step) - 2, round(lag * step) + 3)
        at = int(repeats[near].argmax())
        lag = (near[at] + _vertex(repeats, int(near[at]))) / step
    return 60.0 * frame_rate / lag


def _vertex(values: NDArray[np.float64], at: int) -> float:
    """Where between the neighbours of a peak its parabola is highest, in [-0.5, 0.5]."""
    left, middle, right = values[at - 1 : at + 2]
    bend = left - 2.0 * middle + right
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))


def _key(samples: Samples) -> dict[str, float | None]:
    """Key and mode: the profile that the strengths of the twelve pitch classes correlate with best."""
    s = _magnitudes(samples, _KEY_FRAME, _KEY_HOP)
    low, high = (int(hertz * _KEY_FRAME / RATE) for hertz in (60, 2_100))
    part = s[:, low:high]
    left, middle, right = part[:, :-2], part[:, 1:-1], part[:, 2:]
    # spectral peaks alone: between them is noise, and more of it in high classes than in low ones
    is_peak = (
        (middle > left) & (middle >= right) & (middle > 0.02 * np.maximum(part.max(axis=1, keepdims=True), 1e-6))
    )
    frame, bin_ = np.nonzero(is_peak)
    none: dict[str, float | None] = {"key": -1.0, "mode": None, "audio_key_strength": 0.0}
    if not len(frame):
        return none
    a, b, c = (np.log(np.maximum(x[frame, bin_], 1e-12)) for x in (left, middle, right))
    bend = a - 2.0 * b + c
    shift = np.clip(0.5 * (a - c) / np.where(bend < 0, bend, -1.0), -0.5, 0.5)
    semitones = 12.0 * np.log2((bin_ + low + 1 + shift) * (RATE / _KEY_FRAME) / 440.0)
    weight = np.sqrt(middle[frame, bin_].astype(np.float64))
    # instruments need not be tuned to 440 Hz: by how much they agree to be off is taken away
    angle = np.angle(np.sum(weight * np.exp(2j * np.pi * semitones)))
    classes = np.round(semitones - angle / (2.0 * np.pi)).astype(np.int64) % 12
    chroma = np.roll(np.bincount(classes, weights=weight, minlength=12), -3)  # from A to C
    spread = float(chroma.std() / chroma.mean())
    profiles = np.array([np.roll(profile, key) for profile in (_MINOR, _MAJOR) for key in range(12)])
    fits = np.array([np.corrcoef(chroma, profile)[0, 1] for profile in profiles]) if spread > 1e-6 else np.zeros(24)
    best = int(fits.argmax())
    if spread < 0.25 or fits[best] < 0.4:
        return none
    return {"key": float(best % 12), "mode": float(best // 12), "audio_key_strength": float(fits[best])}


@functools.lru_cache(maxsize=4)
def _mel(n: int) -> NDArray[np.float32]:
    """Mel filters for frames of ``n`` samples, float32 ``(bands, n // 2 + 1)``."""
    import librosa

    bands = 128 if n >= _FRAME else 64  # short frames have too few bins for more
    filters: NDArray[np.float32] = librosa.filters.mel(sr=RATE, n_fft=n, n_mels=bands)
    return filters
