"""Maps and features of all scans as an experiment wants them: grid, mask, side of the lesion."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import Any, TypeVar

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.bids.files import read_json
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.sections import MAPS
from motor_bids_app.features.averaging import average_onto, experiment_grid
from motor_bids_app.features.connectivity import CONNECTIVITY
from motor_bids_app.features.fingerprints import content_hash
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.levels.cohort.arrays import new_array, saving
from motor_bids_app.levels.cohort.unreadable import check_readable, load_derivative, read_each
from motor_bids_app.scratch import scratch_folder
from motor_bids_app.spaces.atlases import AAL_MOTOR_REGIONS, juelich_tract, load_aal
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

log = logging.getLogger(__name__)
Kept = TypeVar("Kept")
_OTHER_SIDE = {"left": "right", "right": "left"}
MIRROR = np.diag([-1.0, 1, 1, 1])  # world x: left becomes right
TRACT_PROBABILITY = 0.25  # least share of people in whom a voxel is tract
_MASK_RESOLUTION = 2  # mm, where masks are drawn before they are brought to the experiment's grid


def to_flip(table: pd.DataFrame, mirror_lesion_to: str) -> NDArray[np.bool_]:
    """Scans to mirror so that all one-sided lesions are on one side, shape (n_scans,).

    Lesions of both sides, and brains without one, stay as they are.
    """
    if mirror_lesion_to == "none" or "lesion_side" not in table:
        return np.zeros(len(table), dtype=bool)
    return (table["lesion_side"] == _OTHER_SIDE[mirror_lesion_to]).to_numpy(dtype=bool)


def mirror_features(table: pd.DataFrame, flip: NDArray[np.bool_]) -> pd.DataFrame:
    """Swap left and right in the features of flipped scans, as if the brain had been mirrored.

    Columns that end in _left and _right trade values, and asymmetries (left minus right, over
    their sum) change sign. On which side the lesion is remains what it was: a fact about the
    person, not about the picture.
    """
    mirrored = table.copy()
    names = {str(name) for name in table.columns}
    for name in sorted(names):
        other = name.removesuffix("_left") + "_right"
        if name.endswith("_left") and other in names:
            mirrored.loc[flip, name] = table.loc[flip, other]
            mirrored.loc[flip, other] = table.loc[flip, name]
        if name.endswith("_asymmetry"):
            mirrored.loc[flip, name] = -table.loc[flip, name].astype(float)
    return mirrored


def available_maps(
    scans: Sequence[DerivedScan], controls: NDArray[np.bool_], wanted: str | tuple[str, ...]
) -> tuple[str, ...]:
    """Maps to use: those wanted, or with "auto" those that most scans have, but connectivity.

    Parameters
    ----------
    scans : sequence of DerivedScan
        Scans that take part.
    controls : bool array, shape (n_scans,)
        Scans of healthy people, who need no lesion map.
    wanted : "auto" or tuple of str
        From the experiment.

    Raises
    ------
    DataError
        A wanted map is there for nobody.
    """
    patients = [scan for scan, control in zip(scans, controls, strict=True) if not control]
    counts = {
        name: sum(name in scan.maps for scan in (patients if name == "lesion" else scans))
        for name in MAPS
    }
    if isinstance(wanted, str):
        whole = {name: len(patients if name == "lesion" else scans) for name in MAPS}
        common = tuple(name for name in MAPS if counts[name] > whole[name] / 2)
        return tuple(name for name in common if name not in CONNECTIVITY)
    absent = [name for name in wanted if counts[name] == 0]
    if absent:
        found = ", ".join(f"{name} ({n})" for name, n in counts.items() if n) or "none"
        what = "Change"
        if set(absent) <= set(CONNECTIVITY):
            what = "Run the participant level on resting-state bold, or change"
        raise DataError(
            f"No scan has the maps {', '.join(absent)} that the experiment requires; available: "
            f'{found}. {what} [inputs] maps, or set it to "auto".'
        )
    return wanted


@dataclass
class MapLibrary:
    """Volumes of all scans, built once for each combination of maps, resolution and mirroring.

    Parameters
    ----------
    scans : tuple of DerivedScan
        Rows of every store.
    table : DataFrame
        One row per scan, with group and, where known, lesion_side.
    folder : Path
        For the memory-mapped arrays.
    """

    scans: tuple[DerivedScan, ...]
    table: pd.DataFrame
    folder: Path
    _stores: dict[tuple[object, ...], tuple[VolumeStore, dict[int, str]]] = field(
        default_factory=dict
    )
    _kept: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def keep(self, key: tuple[object, ...], make: Callable[[], Kept]) -> Kept:
        """Return what `make` gave when it was first asked for under this key."""
        if key not in self._kept:
            self._kept[key] = make()
        kept: Kept = self._kept[key]
        return kept

    def store(
        self,
        maps: tuple[str, ...],
        resolution: int,
        mirror_to: str = "none",
        rows: Iterable[int] = (),
    ) -> VolumeStore:
        """Return the store; see `fill_store`.

        Raises
        ------
        UnreadableScansError
            One of `rows`, the scans that matter, cannot be read. Others lack the map then.
        ReadWriteError
            The folder has no room for it.
        """
        key = (maps, resolution, mirror_to)
        if key not in self._stores:
            name = hashlib.sha256(repr(key).encode()).hexdigest()[:12]
            grid = brain_grid(resolution)
            shape = (len(self.scans), len(maps), *grid.shape)
            data = new_array(self.folder / f"maps-{name}.npy", shape)
            store = VolumeStore.empty(len(self.scans), maps, grid, data)
            log.info(
                "reading %s of %d scans at %d mm", ", ".join(maps), len(self.scans), resolution
            )
            flip = to_flip(self.table, mirror_to)
            self._stores[key] = store, fill_store(store, self.scans, self.table, flip, mirror_to)
        store, reasons = self._stores[key]
        check_readable(reasons, rows)
        return store


@contextmanager
def map_library(
    scans: tuple[DerivedScan, ...], table: pd.DataFrame, work_dir: Path | None
) -> Iterator[MapLibrary]:
    """Give a library in a folder that is deleted at the end."""
    with ExitStack() as stack:
        with saving(work_dir or Path(gettempdir())):
            folder = stack.enter_context(scratch_folder("maps", work_dir))
        yield MapLibrary(scans, table, folder)


def fill_store(
    store: VolumeStore,
    scans: Sequence[DerivedScan],
    table: pd.DataFrame,
    flip: NDArray[np.bool_],
    mirror_to: str = "none",
) -> dict[int, str]:
    """Read the maps of each scan; a healthy brain has an empty lesion map, not a missing one.

    Connectivity is mirrored by the side of its seed, which has one even where lesions are on both.

    Returns
    -------
    dict
        Why the maps of a scan could not be read, by row; it then has none in the store.
    """
    controls = (table["group"] == "control").to_numpy(dtype=bool)

    def read(row: int) -> None:
        _fill_row(store, row, scans[row], flip=bool(flip[row]), mirror_to=mirror_to)
        if "lesion" in store.maps and controls[row]:
            store.present[row, store.maps.index("lesion")] = True  # its values are 0

    _, reasons = read_each(range(len(scans)), read)
    store.present[list(reasons)] = False
    return reasons


def _fill_row(
    store: VolumeStore, row: int, scan: DerivedScan, *, flip: bool, mirror_to: str
) -> None:
    for name in store.maps:
        if name in scan.maps:
            path, turned = scan.maps[name], flip
            if name in CONNECTIVITY:
                turned = seed_is_opposite(path, mirror_to)
            try:
                store.put(row, name, _read(path, turned))
            except DataError as error:
                raise DataError(f"{path}: {error}") from error


def seed_is_opposite(path: Path, mirror_to: str) -> bool:
    """Whether the seed of a map is on the side that lesions are mirrored from."""
    if mirror_to == "none":
        return False
    sidecar = read_json(path.with_name(path.name.split(".")[0] + ".json"))
    return sidecar.get("SeedHemisphere") == _OTHER_SIDE[mirror_to]


def _read(path: Path, flip: bool) -> nib.Nifti1Image:
    image = load_derivative(path)
    # Mirroring the world keeps the stored values, whichever way the first axis runs.
    return nib.Nifti1Image(image.dataobj, MIRROR @ image.affine) if flip else image


def brain_grid(resolution: int) -> Grid:
    """Return the grid that volumes are stored on: the standard one, cropped to the brain."""
    brain = np.asarray(load_template("brain", resolution).dataobj) > 0
    return experiment_grid(resolution, brain)


def experiment_mask(name: str, grid: Grid) -> NDArray[np.bool_]:
    """Voxels of `grid` that models may use: brain, cst, motor or cst+motor.

    A voxel belongs to it if at least half of it does. All masks equal their mirror images, and
    none reaches outside the brain (AAL does, by 6 % in the motor regions).
    """
    fine = standard_grid(_MASK_RESOLUTION)
    brain = np.asarray(load_template("brain", _MASK_RESOLUTION).dataobj) > 0
    parts = name.split("+")
    inside = brain.copy() if "brain" in parts else np.zeros(fine.shape, dtype=bool)
    if "cst" in parts:
        for tract in juelich_tract(_MASK_RESOLUTION).values():
            inside |= np.asarray(tract.dataobj) >= TRACT_PROBABILITY
    if "motor" in parts:
        atlas = load_aal(_MASK_RESOLUTION)
        for region in AAL_MOTOR_REGIONS:
            inside |= atlas.mask(f"{region}_L") | atlas.mask(f"{region}_R")
    drawn = nib.Nifti1Image((inside & brain).astype(np.uint8), fine.affine)
    return average_onto(drawn, grid) >= 0.5


def map_digests(
    store: VolumeStore, rows: NDArray[np.intp], participants: Sequence[str]
) -> dict[tuple[str, str], list[str]]:
    """Participants by (map, hash of its values), leaving out maps that do not vary.

    Parameters
    ----------
    store : VolumeStore
    rows : int array, shape (n_scans,)
        Scans to look at.
    participants : sequence of str, shape (n_scans,)
        Whose scan each of them is.
    """
    owners: dict[tuple[str, str], list[str]] = {}
    for row, participant in zip(rows, participants, strict=True):
        for column, name in enumerate(store.maps):
            if store.present[row, column]:
                digest = content_hash(store.data[row, column])
                if digest is not None:
                    owners.setdefault((name, digest), []).append(participant)
    return owners
