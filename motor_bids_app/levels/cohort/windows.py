"""Sliding windows of the bold of all scans, from the clean series that the participant level left.

What is kept in a temporary folder is the series of each scan on the grid of the experiment, half
the bytes of the clean bold; maps of windows are made from it when a model asks for them.
"""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.bids.files import read_json
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.averaging import average_values
from motor_bids_app.features.connectivity import kept_windows, sliding_windows
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.series import WINDOWS, SeriesWindows
from motor_bids_app.levels.cohort.arrays import save_array
from motor_bids_app.levels.cohort.maps import (
    MIRROR,
    MapLibrary,
    brain_grid,
    experiment_mask,
    seed_is_opposite,
)
from motor_bids_app.levels.cohort.unreadable import check_readable, load_derivative, read_each
from motor_bids_app.models.catalog import NETWORKS, needs
from motor_bids_app.spaces.grids import Grid

log = logging.getLogger(__name__)
_FIELDS = ("RepetitionTime", "WindowVolumes", "WindowTaperVolumes", "LeftOutVolumes")


@dataclass(frozen=True, eq=False)
class ScanWindows:
    """Clean series of a scan on the grid of an experiment, and its windows.

    `signals`, shape (T, voxels), have mean 0 and variance 1; `course` is that of the seed, (T,);
    `weights` have shape (n_windows, T); `places` are numbers of the windows in the series, and
    `seconds` from one window to the next.
    """

    signals: NDArray[np.float16]
    course: NDArray[np.float64]
    weights: NDArray[np.float64]
    places: NDArray[np.intp]
    seconds: float


def experiment_instances(
    experiment: Experiment, library: MapLibrary, rows: Iterable[int] = ()
) -> dict[str, Instances]:
    """Instances of all scans that the network of an experiment learns from, by kind.

    Raises
    ------
    UnreadableScansError
        One of `rows`, the scans that matter, cannot be read. Others have no instance then.
    """
    kind, inputs = experiment.model.kind, experiment.inputs
    if kind not in NETWORKS or WINDOWS not in needs(kind).instances:
        return {}
    resolution, mirror_to = inputs.resolution, inputs.mirror_lesion_to
    source, reasons = library.keep(
        (WINDOWS, resolution, mirror_to), lambda: _all_windows(library, resolution, mirror_to)
    )
    check_readable(reasons, rows)
    return {WINDOWS: Instances.of(source)}


def windows_of_scan(scan: DerivedScan, resolution: int, mirror_to: str) -> Instances:
    """Windows of one scan, as those of `experiment_instances`."""
    return Instances.of(_source([_of_scan(scan, resolution, mirror_to)], resolution))


def _all_windows(
    library: MapLibrary, resolution: int, mirror_to: str
) -> tuple[SeriesWindows, dict[int, str]]:
    """Windows of all scans, and why some have none: see `read_each`."""
    having = sum(scan.seed is not None for scan in library.scans)
    log.info("reading the clean bold of %d scans at %d mm", having, resolution)

    def read(row: int) -> ScanWindows | None:
        found = _of_scan(library.scans[row], resolution, mirror_to)
        if found is None:
            return None
        name = hashlib.sha256(repr((row, resolution, mirror_to)).encode()).hexdigest()[:12]
        path = library.folder / f"bold-{name}.npy"
        return replace(found, signals=save_array(path, found.signals))

    rows = range(len(library.scans))
    found, reasons = read_each(rows, read)
    return _source([found.get(row) for row in rows], resolution), reasons


def _source(found: list[ScanWindows | None], resolution: int) -> SeriesWindows:
    grid, inside = brain_grid(resolution), _brain(resolution)
    none = ScanWindows(
        np.zeros((0, int(inside.sum())), np.float16),
        np.zeros(0),
        np.zeros((0, 0)),
        np.arange(0),
        0.0,
    )
    each = [none if one is None else one for one in found]
    return SeriesWindows(
        [one.signals for one in each],
        [one.course for one in each],
        [one.weights for one in each],
        [one.seconds for one in each],
        inside,
        grid,
        [one.places for one in each],
    )


@lru_cache(maxsize=2)
def _brain(resolution: int) -> NDArray[np.bool_]:
    """Voxels whose series are kept."""
    return experiment_mask("brain", brain_grid(resolution))


def _of_scan(scan: DerivedScan, resolution: int, mirror_to: str) -> ScanWindows | None:
    """Read the clean series of a scan; None where it has none, or no connectivity of M1.

    Raises
    ------
    DataError
        The files do not belong together, or say too little.
    """
    if scan.bold is None or scan.seed is None:
        return None
    image, seed = load_derivative(scan.bold), load_derivative(scan.seed)
    if image.ndim != 4 or image.shape[:3] != seed.shape:
        raise DataError(
            f"{scan.bold} has shape {image.shape}, but its seed {seed.shape}: they do not belong "
            "together. Run the participant level on this bold again."
        )
    described = _described(scan.seed)
    values = np.asarray(image.dataobj, dtype=np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"{scan.bold} has values that are not finite. Process it again.")
    course = values[np.asarray(seed.dataobj) > 0].mean(axis=0, dtype=np.float64)
    left_out = np.zeros(len(course), dtype=bool)
    left_out[np.asarray(described["LeftOutVolumes"], dtype=np.intp)] = True
    length, taper = described["WindowVolumes"], described["WindowTaperVolumes"]
    weights = sliding_windows(len(course), length, taper=taper, left_out=left_out)
    places = kept_windows(len(course), length, left_out, taper=taper)
    affine = MIRROR @ image.affine if seed_is_opposite(scan.seed, mirror_to) else image.affine
    signals = _on_grid(values, Grid.of(nib.Nifti1Image(seed.dataobj, affine)), resolution)
    return ScanWindows(signals, course, weights, places, float(described["RepetitionTime"]))


def _described(seed: Path) -> dict[str, Any]:
    """What the sidecar of a seed says of the windows."""
    sidecar = read_json(seed.with_name(seed.name.split(".")[0] + ".json"))
    missing = [name for name in _FIELDS if name not in sidecar]
    if missing:
        raise DataError(
            f"The sidecar of {seed} says nothing of {', '.join(missing)}: it was made by an "
            "earlier version. Run the participant level on the bold again."
        )
    return sidecar


def _on_grid(values: NDArray[np.float32], source: Grid, resolution: int) -> NDArray[np.float16]:
    """Average a series (X, Y, Z, T) onto the grid, (T, voxels of the brain), and standardise.

    A coarse voxel has the mean series of the voxels in it, in which the lesion is 0 and so does
    not count. Correlations do not depend on the scale, and half precision is at its best near 1.
    """
    signals = average_values(values, source, brain_grid(resolution))[_brain(resolution)].T
    signals = signals - signals.mean(axis=0)
    spread = signals.std(axis=0)
    return (signals / np.where(spread > 0, spread, 1)).astype(np.float16)
