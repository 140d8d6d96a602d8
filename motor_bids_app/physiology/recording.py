"""What a recording is: signals in microvolts, and what is known of their channels."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError

Array = NDArray[np.float64]
KINDS = ("eeg", "emg", "eog")  # channels of other kinds are left out
FEWEST_SECONDS = 1.0
# Microvolts between which the median channel lies in any recording of a human being.
_PLAUSIBLE = {"eeg": (0.05, 3000.0), "emg": (0.05, 30_000.0)}
_ALIKE = 1e4  # channels of one kind differ by less, unless their units do


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened: onset and duration in s, and its kind, such as 'rest'."""

    onset: float
    duration: float
    kind: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """A continuous recording.

    Parameters
    ----------
    signals : array, shape (C, T)
        Microvolts.
    rate : float
        Samples per second.
    names, kinds : tuple of str, shape (C,)
        Channels, and what each is, one of `KINDS`.
    muscles : tuple of str, shape (C,)
        Muscle and side that an EMG channel is on, as far as told; else ''.
    places : array, shape (C, 3)
        Of electrodes on the unit sphere (right, front, up); NaN where unknown.
    events : tuple of Event
        In order of onset.
    mains : float or None
        Frequency of the mains in Hz, if known.
    bad : tuple of str
        Channels that are declared bad.
    """

    signals: Array
    rate: float
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    muscles: tuple[str, ...] = ()
    places: Array = field(default_factory=lambda: np.empty((0, 3)))
    events: tuple[Event, ...] = ()
    mains: float | None = None
    bad: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.signals.ndim != 2 or len(self.signals) != n or len(self.kinds) != n:
            raise ValueError(f"{n} names, but signals of shape {self.signals.shape}.")
        if not self.muscles:
            object.__setattr__(self, "muscles", ("",) * n)
        if len(self.places) != n:
            object.__setattr__(self, "places", np.full((n, 3), np.nan))

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.signals.shape[1] / self.rate

    @property
    def located(self) -> NDArray[np.bool_]:
        """Channels whose place is known, shape (C,)."""
        return np.asarray(np.isfinite(self.places).all(axis=1))

    def pick(self, kind: str) -> Self:
        """Channels of one kind alone.

        Raises
        ------
        DataError
            There are none.
        """
        here = [k for k, own in enumerate(self.kinds) if own == kind]
        if not here:
            found = ", ".join(sorted(set(self.kinds))) or "none"
            raise DataError(
                f"There is no {kind.upper()} channel (channels of known type: {found}). Give the "
                "type of each channel in channels.tsv."
            )
        return replace(
            self,
            signals=self.signals[here],
            names=tuple(self.names[k] for k in here),
            kinds=(kind,) * len(here),
            muscles=tuple(self.muscles[k] for k in here),
            places=self.places[here],
            bad=tuple(name for name in self.bad if name in {self.names[k] for k in here}),
        )

    def places_of(self, names: Sequence[str]) -> list[int]:
        """Numbers of the channels with these names that are there, whatever their case."""
        known = {name.lower(): number for number, name in enumerate(self.names)}
        return [known[name.lower()] for name in names if name.lower() in known]


def robust_spread(signals: Array) -> Array:
    """Standard deviation of each channel by its median absolute deviation, shape (C,)."""
    centre = np.median(signals, axis=1, keepdims=True)
    return np.asarray(1.4826 * np.median(np.abs(signals - centre), axis=1))


def check_signals(recording: Recording, kind: str) -> None:
    """Raise unless signals are long enough, finite, and of a size that living people have.

    Raises
    ------
    DataError
        They are not; the message says what to correct.
    """
    if recording.seconds < FEWEST_SECONDS:
        raise DataError(
            f"The recording lasts {recording.seconds:.2g} s; at least {FEWEST_SECONDS:g} s are "
            "needed."
        )
    finite = np.isfinite(recording.signals).all(axis=1)
    if not finite.all():
        names = ", ".join(np.array(recording.names)[~finite][:5])
        raise DataError(f"Channels {names} hold values that are no numbers. Repair the file.")
    steps = recording.signals[:, :: max(1, recording.signals.shape[1] // 20_000)]
    spread = robust_spread(steps)
    live = spread[spread > 0]
    if not len(live):
        return  # all flat, which is another matter
    size, (low, high) = float(np.median(live)), _PLAUSIBLE[kind]
    if not low <= size <= high:
        wrong = "microvolts are taken for volts" if size > high else "volts for microvolts"
        raise DataError(
            f"The {kind.upper()} has a median amplitude of {size:.3g} microvolts, which no "
            f"electrode gives ({low:g} to {high:g}): probably {wrong}. Correct the unit in the "
            "file's header, or in channels.tsv where the header has none."
        )
    mixed = (spread > 0) & ((spread > _ALIKE * size) | (spread < size / _ALIKE))
    if mixed.any():
        names = ", ".join(np.array(recording.names)[mixed][:5])
        raise DataError(
            f"Channels {names} are more than {_ALIKE:,.0f} times larger or smaller than the other "
            f"{kind.upper()} channels: units of V and uV seem mixed. Correct the units of these "
            "channels."
        )
