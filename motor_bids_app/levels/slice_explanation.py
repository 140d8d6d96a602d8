"""Where in the bold a network of slices looks: Grad-CAM of people it has not learned from."""

import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import save_image, write_table
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.checks import rank_correlation, shares, stability
from motor_bids_app.explanation.peaks import Regions, peak_table
from motor_bids_app.explanation.slices import into_volume, onto_voxels, slice_gradcam
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.levels.cohort import Cohort
from motor_bids_app.levels.explained_maps import TITLES, map_image
from motor_bids_app.levels.explanation import ALIKE, COLUMNS, PEAK_COLUMNS
from motor_bids_app.levels.maps import experiment_mask, to_flip
from motor_bids_app.models.opened_slices import OpenSlices, open_slices, places_of
from motor_bids_app.reports.explanation import (
    REFERENCES,
    Explanation,
    attribution_figure,
    check_table,
    peak_list,
    place_table,
)
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.atlases import load_aal
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import cut, load_template

METHOD = "gradcam"
_NAME = "bold"
_RESOLUTION = 3  # mm
_FOLDS = 10  # whose maps are kept to compare
_COMPARED = 4  # people of each test set who are compared with a network that learned nothing
Volume = NDArray[np.float32]


class SliceExplainer:
    """Explains the networks of slices of the first repeat to the people they are tested on.

    Parameters
    ----------
    folder : Path
        For the maps; emptied.
    cohort : Cohort
        With slices.
    experiment : Experiment
    seed : int
    """

    def __init__(self, folder: Path, cohort: Cohort, experiment: Experiment, seed: int) -> None:
        source = cohort.samples.pieces[SLICES].source
        assert isinstance(source, VolumeSlices)
        self.folder, self.cohort, self.seed = folder, cohort, seed
        self.grid: Grid = source.grid
        self.mirrored = to_flip(cohort.samples.table, experiment.inputs.mirror_lesion_to)
        self.most = experiment.explanation.people_per_test
        self.mask = experiment_mask("brain", self.grid)
        self.total = np.zeros(self.grid.shape)
        self.n_people = 0
        self.folds: list[Volume] = []
        self.randomised: list[float] = []
        self._repeat: int | None = None
        shutil.rmtree(folder, ignore_errors=True)

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        """Explain a model fitted to the people outside a test set; see `cross_validate`."""
        network = open_slices(model)
        if self._repeat is None:
            self._repeat = repeat
        if network is None or repeat != self._repeat or training != 1:
            return
        rows = self._rows(tested)
        fold = np.zeros(self.grid.shape, dtype=np.float32)
        nothing = network.randomised(self.seed)
        for number, row in enumerate(rows):
            sample = self.cohort.samples[[row]]
            values, output = person_map(network, sample, self.grid)
            values = values * self.mask
            if number < _COMPARED:
                other, _ = person_map(nothing, sample, self.grid)
                alike = rank_correlation(values[self.mask], other[self.mask])
                self.randomised.append(alike)
            signed = values if output >= network.learned.average else -values
            fold += signed
            self.total += signed
            self.n_people += 1
            self._save(row, values)
        if rows and len(self.folds) < _FOLDS:
            self.folds.append(fold / np.float32(len(rows)))

    def _rows(self, tested: NDArray[np.bool_]) -> list[int]:
        """Scans to explain: the first one with slices of each tested person."""
        people, has = self.cohort.samples.participants, self.cohort.samples.pieces[SLICES].counts
        first: dict[str, int] = {}
        for row in np.flatnonzero(tested & (has > 0)):
            first.setdefault(str(people[row]), int(row))
        return sorted(first.values())[: self.most]

    def _save(self, row: int, values: Volume) -> None:
        person = str(self.cohort.samples.participants[row])
        label = person if person.startswith("sub-") else f"sub-{person}"
        sidecar = {
            **self.sidecar,
            "Model": "of the first repeat and training, which did not learn from this person",
            "Mirrored": bool(self.mirrored[row]),
        }
        save_image(map_image(values, self.grid), self.folder / f"{label}_desc-gradcam.nii.gz",
                   sidecar)  # fmt: skip

    @property
    def unit(self) -> str:
        """Unit of the values."""
        outcome = self.cohort.outcome
        return "log odds of poor" if outcome.cutoff else outcome.score.unit

    @property
    def sidecar(self) -> dict[str, Any]:
        """What every map says."""
        return {
            "Description": "Last feature map of the network of slices, its channels weighed by "
            "their gradient and interpolated, put back where the slices were cut (Selvaraju et "
            "al. 2017)",
            "Method": TITLES[METHOD],
            "Units": self.unit,
            "Outcome": self.cohort.outcome.question,
            "SpatialReference": STANDARD_SPACE,
        }


def person_map(network: OpenSlices, sample: Samples, grid: Grid) -> tuple[Volume, float]:
    """Grad-CAM of one scan in its volume, shape (X, Y, Z), and the mean output of its slices."""
    stride, first = network.places
    size, shape = network.modality.size, (grid.shape[0], grid.shape[1])
    slices, outputs = [], []
    for pictures in network.pictures(sample):
        coarse = slice_gradcam(network.module, network.stage, pictures)
        slices += [onto_voxels(one, size, stride, first, shape) for one in coarse]
        outputs += network.module(pictures).detach().cpu().tolist()
    volume = into_volume(np.stack(slices), places_of(sample, 0), grid.shape)
    return volume, float(np.mean(outputs))


def explain_slices(folder: Path, explainer: SliceExplainer) -> Explanation | None:
    """Write the group's map and the tables; return the section, or None if nothing was explained.

    Parameters
    ----------
    folder : Path
        Of the experiment.
    """
    if not explainer.n_people:
        return None
    grid = explainer.grid
    values = (explainer.total / explainer.n_people)[None]
    sidecar = {**explainer.sidecar, "NumberOfPeople": explainer.n_people}
    save_image(map_image(values[0], grid), explainer.folder / "group_desc-gradcam_bold.nii.gz",
               sidecar)  # fmt: skip
    table = _check(explainer, values)
    atlas = Regions.of(load_aal(_RESOLUTION))
    peaks = peak_table(values, (_NAME,), explainer.mask, grid, atlas)
    peaks.insert(0, "method", METHOD)
    known = COLUMNS | PEAK_COLUMNS
    write_table(
        folder / "explanation.tsv", table, {str(name): COLUMNS[str(name)] for name in table}
    )
    write_table(
        folder / "explanation_peaks.tsv", peaks, {str(name): known[str(name)] for name in peaks}
    )
    return Explanation(
        sentences=_sentences(explainer), figures=(_figure(explainer, values[0]),),
        checks=check_table(table, TITLES), places=place_table(table, TITLES),
        peaks=peak_list(peaks, TITLES), references=(REFERENCES[METHOD], REFERENCES[""]),
    )  # fmt: skip


def _check(explainer: SliceExplainer, values: NDArray[np.floating[Any]]) -> pd.DataFrame:
    alike = float(np.mean(explainer.randomised))
    state = "passed" if alike < ALIKE else "warning"
    rows: list[tuple[Any, ...]] = [
        ("randomised", None, alike, 0.0, state, len(explainer.randomised))
    ]
    if len(explainer.folds) > 1:
        inside = [one[explainer.mask] for one in explainer.folds]
        n_pairs = len(inside) * (len(inside) - 1) // 2
        rows.append(("stability", None, stability(inside), 1.0, None, n_pairs))
    regions = {name: experiment_mask(name, explainer.grid) for name in ("cst", "motor")}
    rows += [
        ("share", name, share, volume, None, explainer.n_people)
        for name, (share, volume) in shares(values, explainer.mask, regions).items()
    ]
    table = pd.DataFrame(rows, columns=["check", "region", "value", "expected", "state", "n"])
    table.insert(0, "method", METHOD)
    return table


def _figure(explainer: SliceExplainer, values: NDArray[np.floating[Any]]) -> Any:
    template = load_template("T1w", _RESOLUTION)
    grey = cut(np.asarray(template.dataobj, dtype=np.float32), template.affine, explainer.grid)
    image: nib.Nifti1Image = map_image(values, explainer.grid)
    return attribution_figure(
        METHOD, TITLES[METHOD] + " of the network of slices",
        "positive places spoke, on average, for what the network of slices said of a person (poor "
        "or good, high or low), negative ones against it.",
        {_NAME: image}, map_image(grey, explainer.grid), explainer.unit,
    )  # fmt: skip


def _sentences(explainer: SliceExplainer) -> tuple[str, ...]:
    return (
        f"{explainer.n_people} people were each explained by a network of slices that had not "
        "learned from them (first repeat, first training). Their maps are in the folder maps. EEG "
        "and EMG have no part in them.",
        "Grad-CAM of slices has a few dozen values per slice, interpolated between: it shows in "
        "which part of a slice the network looks, not in which gyrus.",
    )
