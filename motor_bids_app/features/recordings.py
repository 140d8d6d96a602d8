"""Windows of EEG and EMG as instances of scans."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.instances import Indices

SIGNALS = "signals"  # kind of the instances


@dataclass(frozen=True, eq=False)
class RecordedWindows:
    """Source of windows that have been brought to zero mean and unit variance.

    Attributes
    ----------
    windows : sequence of float16 array, shape (n_windows, n_channels, n_samples)
        Of each scan, such as memory maps; (0, n_channels, n_samples) where a scan has none.
    channels : tuple of str
        Kind and name, such as "eeg C3" or "emg soleus"; the same of all scans.
    rate : float
        Samples per second.
    """

    windows: Sequence[NDArray[np.float16]]
    channels: tuple[str, ...]
    rate: float

    @property
    def counts(self) -> Indices:
        """Windows of each scan, shape (n_scans,)."""
        return np.array([len(windows) for windows in self.windows], dtype=np.intp)

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels and samples of a window."""
        return tuple(self.windows[0].shape[1:])

    def read(self, scan: int, numbers: Indices) -> NDArray[np.float32]:
        """Return some windows of a scan, shape (n, n_channels, n_samples)."""
        return self.windows[scan][numbers].astype(np.float32)


def normalised_windows(
    data: NDArray[np.floating[Any]], channels: Sequence[str]
) -> NDArray[np.float16]:
    """Bring windows to zero mean and unit variance.

    Each channel loses its mean, and all channels of a kind (EEG, EMG) are divided by one
    standard deviation, that of the window. Dividing each channel by its own would make the two
    hemispheres, and the two legs, equally strong: what tells them apart would be gone. Units do
    not matter.

    Parameters
    ----------
    data : float array, shape (n_windows, n_channels, n_samples)
    channels : sequence of str
        See `RecordedWindows`.

    Returns
    -------
    float16 array, same shape
        0 in channels of a kind that does not vary.
    """
    centred = data - data.mean(axis=2, keepdims=True)
    kinds = np.array([name.split()[0] for name in channels])
    for kind in np.unique(kinds):
        of_kind = centred[:, kinds == kind]
        spread = of_kind.std(axis=(1, 2), keepdims=True)
        centred[:, kinds == kind] = of_kind / np.where(spread > 0, spread, 1)
    return centred.astype(np.float16)


def mirrored_name(channel: str) -> str:
    """Name of the channel on the other side; the same where it has none.

    Electrodes of the 10-20 system have odd numbers on the left and even ones on the right; other
    channels are told by a last word, or last letter after a space, _ or -.

    >>> [mirrored_name(name) for name in ("eeg C3", "eeg FC6", "eeg Cz", "emg soleus_L", "emg M1")]
    ['eeg C4', 'eeg FC5', 'eeg Cz', 'emg soleus_R', 'emg M1']
    """
    kind, _, name = channel.partition(" ")
    stem = name.rstrip("0123456789")
    if kind == "eeg" and len(stem) < len(name):
        number = int(name[len(stem) :])
        return f"{kind} {stem}{number + 1 if number % 2 else number - 1}" if number else channel
    for one, other in _SIDES:
        for ending, replacement in ((one, other), (other, one)):
            for mark in (" ", "_", "-"):
                if name.endswith(mark + ending):
                    return f"{kind} {name.removesuffix(ending)}{replacement}"
    return channel


_SIDES = (("L", "R"), ("l", "r"), ("left", "right"), ("Left", "Right"))
