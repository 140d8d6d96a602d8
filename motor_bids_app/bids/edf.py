"""Writing recordings in the European Data Format, which BIDS takes for EEG and EMG alike."""

from collections.abc import Sequence
from pathlib import Path

import edfio
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.files import replacing
from motor_bids_app.errors import DataError

LONGEST_NAME = 16  # characters, of a channel


def write_edf(
    path: Path,
    signals: NDArray[np.floating],
    names: Sequence[str],
    rate: float,
    *,
    limit: float | None = None,
) -> None:
    """Write signals in 16 bits; the file holds no date and no name of a person.

    Parameters
    ----------
    path : Path
    signals : array, shape (C, T)
        µV. The end is repeated to fill the last second, since the format knows whole ones.
    names : sequence of str, shape (C,)
    rate : float
        Samples per second.
    limit : float, optional
        Largest value; the default of each channel is its own, which gives the finest steps.

    Raises
    ------
    DataError
        A name is too long, or a value is not finite.
    """
    for name in names:
        if len(name) > LONGEST_NAME or not name.isascii():
            raise DataError(
                f"Channel {name!r} cannot be saved in EDF: its name must be ASCII, of at most "
                f"{LONGEST_NAME} characters. Rename it in channels.tsv and in the recording."
            )
    if not np.isfinite(signals).all():
        raise DataError(f"{path.name}: the signals hold values that are not finite.")
    left_over = -signals.shape[1] % round(rate) if float(rate).is_integer() else 0
    padded = np.pad(np.asarray(signals, dtype=np.float64), ((0, 0), (0, left_over)), mode="edge")
    channels = []
    for name, values in zip(names, padded, strict=True):
        largest = limit or max(float(np.abs(values).max()), 1.0)
        values = np.clip(values, -largest, largest)
        channels.append(
            edfio.EdfSignal(
                values,
                rate,
                label=name,
                physical_dimension="uV",
                physical_range=(-largest, largest),
                digital_range=(-32767, 32767),
            )
        )
    with replacing(path) as temporary:
        edfio.Edf(channels).write(temporary)
