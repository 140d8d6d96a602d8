"""Simulated EEG and EMG of people who grip and rest, with rhythms that show their capacity."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.simulation.waves import band_noise, bursts, coloured_noise, mains_hum, smooth

Array = NDArray[np.float64]

# Places of the 10-20 system on a sphere: degrees from the vertex, and counter-clockwise from the
# right ear.
_PLACES = {
    "Fp1": (90, 108), "Fp2": (90, 72), "F7": (90, 144), "F3": (60, 129), "F4": (60, 51),
    "F8": (90, 36), "T7": (90, 180), "C3": (45, 180), "C4": (45, 0), "T8": (90, 0),
    "P7": (90, 216), "P3": (60, 231), "P4": (60, 309), "P8": (90, 324), "O1": (90, 252),
    "O2": (90, 288),
}  # fmt: skip
EEG_CHANNELS = tuple(_PLACES)
MUSCLES = {  # short name -> muscle; the flexor grips, the extensor works against it
    "FDS": "flexor digitorum superficialis",
    "EDC": "extensor digitorum",
    "BB": "biceps brachii",
}
EMG_CHANNELS = tuple(f"{muscle}_{side}" for side in ("L", "R") for muscle in MUSCLES)
BLOCK = 10  # s of rest, then as many of gripping with both hands
MAINS = 50.0  # Hz
_MU, _BETA, _ALPHA = (9.0, 12.0), (17.0, 25.0), (8.5, 11.5)  # Hz
_MOTOR = {"left": "C3", "right": "C4"}  # hemisphere -> place above its hand area
_OTHER = {"left": "right", "right": "left"}
_SUPPRESSION = (0.15, 0.6)  # of mu and beta while gripping: without and with full capacity
_FORCE = (0.3, 0.7)  # of the amplitude of EMG, likewise
_COUPLING = (0.02, 0.09)  # modulation of EMG by cortical beta, likewise: coherence of 0.1 at best
_AGAINST = (0.65, -0.45)  # antagonist relative to agonist, likewise
_DELAY = 0.015  # s, from cortex to hand
_GRIP = 150.0  # µV, root mean square of the flexor's EMG of a healthy hand


@dataclass(frozen=True, eq=False)
class Recording:
    """What was recorded, and its truth.

    Parameters
    ----------
    eeg : array, shape (16, T)
        µV, in the order of `EEG_CHANNELS`.
    emg : array, shape (6, T)
        µV, in the order of `EMG_CHANNELS`.
    events : list of (float, float, str)
        Onset (s), duration (s) and kind ('rest' or 'grip').
    truth : dict
        What it was made from.
    """

    eeg: Array
    emg: Array
    events: list[tuple[float, float, str]]
    truth: dict[str, Any]


def record(
    capacity: float, lesion_side: str | None, *, seconds: int, rate: int, rng: np.random.Generator
) -> Recording:
    """Record EEG and EMG at once.

    Parameters
    ----------
    capacity : float
        0 to 1: what the motor system of the lesioned side can do. With it grow the suppression of
        mu and beta over that side while gripping, and in the opposite hand the amplitude of EMG
        and its coherence with the cortex; co-contraction falls.
    lesion_side : str or None
        Hemisphere that has this capacity; the other one's is full. None: both have it.
    seconds, rate : int
        Duration, and samples per second.
    """
    times = np.arange(seconds * rate) / rate
    grip = smooth((times // BLOCK % 2 == 1).astype(float), 0.2, rate)
    able = {side: 1.0 if lesion_side == _OTHER[side] else capacity for side in _MOTOR}
    drives = {side: band_noise(len(times), rate, _BETA, rng) for side in _MOTOR}
    eeg, brain = _cortex(able, drives, grip, rate, rng)
    emg, muscles = _muscles(able, drives, grip, rate, rng)
    artefacts = _spoil_eeg(eeg, rate, rng)
    hum = {"eeg": rng.uniform(2, 12, (len(eeg), 1)), "emg": rng.uniform(2, 15, (len(emg), 1))}
    eeg += hum["eeg"] * mains_hum(times, MAINS, rate)
    emg += hum["emg"] * mains_hum(times, MAINS, rate)
    dead = {
        "eeg": _kill(eeg, EEG_CHANNELS, 0.5, rng),
        "emg": _kill(emg, EMG_CHANNELS, 0.1, rng),
    }
    events = [
        (float(start), float(min(BLOCK, seconds - start)), "grip" if start // BLOCK % 2 else "rest")
        for start in range(0, seconds, BLOCK)
    ]
    truth = {
        "capacity": capacity,
        "mains": MAINS,
        "dead_channels": dead,
        **brain,
        **muscles,
        **artefacts,
    }
    return Recording(eeg, emg, events, truth)


def places() -> Array:
    """Places of the EEG channels on the unit sphere (right, front, up), shape (16, 3)."""
    polar, azimuth = np.deg2rad(np.array(list(_PLACES.values()), dtype=float)).T
    return np.column_stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]
    )


def _near(centre: Array, width: float) -> Array:
    """How strongly each channel sees a source below a place; shape (16, 1)."""
    squares = ((places() - centre / np.linalg.norm(centre)) ** 2).sum(axis=1, keepdims=True)
    return np.asarray(np.exp(-0.5 * squares / width**2))


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + ends[1] * share


def _cortex(
    able: dict[str, float],
    drives: dict[str, Array],
    grip: Array,
    rate: int,
    rng: np.random.Generator,
) -> tuple[Array, dict[str, Any]]:
    """EEG without artefacts, and by how much gripping suppresses the rhythms of each side."""
    n, where = len(grip), dict(zip(EEG_CHANNELS, places(), strict=True))
    scattered = places() @ rng.standard_normal((3, 24)) + 0.5 * rng.standard_normal((16, 24))
    eeg = 1.6 * scattered @ coloured_noise((24, n), rate, rng)
    eeg += 1.5 * rng.standard_normal((16, n))
    back = where["O1"] + where["O2"] + 0.3 * (where["P3"] + where["P4"])
    eeg += 9 * _near(back, 0.7) * band_noise(n, rate, _ALPHA, rng)
    suppression = {}
    for side, place in _MOTOR.items():
        lost = _between(_SUPPRESSION, able[side])
        suppression[side] = lost
        left = 1 - lost * grip
        seen = _near(where[place], 0.45)
        eeg += 9 * seen * left * band_noise(n, rate, _MU, rng)
        eeg += 4 * seen * (0.4 + 0.6 * left) * band_noise(n, rate, _BETA, rng)
        eeg += 4.5 * seen * drives[side]  # the beta that the muscles of the other side hear
    return eeg, {"suppression": suppression}


def _muscles(
    able: dict[str, float],
    drives: dict[str, Array],
    grip: Array,
    rate: int,
    rng: np.random.Generator,
) -> tuple[Array, dict[str, Any]]:
    """EMG: noise whose amplitude follows the grip and the cortex of the other side."""
    band = (20.0, min(450.0, 0.45 * rate))
    emg, truth = [], {}
    for limb in ("left", "right"):
        share = able[_OTHER[limb]]
        force = _GRIP * _between(_FORCE, share)
        coupling = _between(_COUPLING, share)
        against = _between(_AGAINST, share)
        drive = np.roll(drives[_OTHER[limb]], round(_DELAY * rate))
        modulation = np.clip(1 + coupling * drive, 0, None)
        for level in (force, force * against, 0.35 * force):
            carrier = band_noise(len(grip), rate, band, rng)
            emg.append((2.0 + level * grip * modulation) * carrier)
        truth[limb] = {"amplitude": force, "coupling": coupling, "antagonist_share": against}
    return np.array(emg), {"limbs": truth}


def _spoil_eeg(eeg: Array, rate: int, rng: np.random.Generator) -> dict[str, Any]:
    """Add blinks, jaw muscles and, in some, a moment of movement; return when they are."""
    seconds = eeg.shape[1] / rate
    blinks = np.cumsum(rng.uniform(1.5, 6.5, int(seconds)))
    blinks = blinks[blinks < seconds - 0.5]
    shape = np.hanning(max(3, round(0.35 * rate)))
    front = 160 * _near(np.array([0.0, 1.0, -0.35]), 0.55)
    for onset in blinks:
        start = round(onset * rate)
        stretch = eeg[:, start : start + len(shape)]
        stretch += front * rng.uniform(0.7, 1.3) * shape[: stretch.shape[1]]
    for side in (-1.0, 1.0):
        chew = bursts(eeg.shape[1], rate, 0.15, 1.5, rng)
        noise = band_noise(eeg.shape[1], rate, (25.0, 0.45 * rate), rng)
        eeg += 14 * _near(np.array([side, 0.15, -0.25]), 0.35) * chew * noise
    moves: list[float] = []
    if seconds >= 30 and rng.random() < 0.5:
        moves = [round(float(rng.uniform(5, seconds - 5)), 2)]
        start = round(moves[0] * rate)
        wild = coloured_noise((16, rate), rate, rng) * np.hanning(rate)
        eeg[:, start : start + rate] += 250 * wild
    return {"blinks": blinks.round(3).tolist(), "movements": moves}


def _kill(
    signals: Array, names: tuple[str, ...], share: float, rng: np.random.Generator
) -> list[str]:
    """Take the contact from one channel in a share of recordings; return its name."""
    number, chance = int(rng.integers(len(names))), rng.random()
    if chance >= share:
        return []
    signals[number] = 0.05 * rng.standard_normal(signals.shape[1])
    return [names[number]]
