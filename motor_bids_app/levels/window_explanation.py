"""Where a network of sliding windows looks (gao2025), in people it has not learned from."""

import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from motor_bids_app.bids.files import save_image, write_table
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.attribution import gradcam, integrated_gradients
from motor_bids_app.explanation.checks import rank_correlation, shares, stability
from motor_bids_app.explanation.peaks import Regions, peak_table
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS, SeriesWindows
from motor_bids_app.levels.cohort import Cohort
from motor_bids_app.levels.explained_maps import TITLES, map_image
from motor_bids_app.levels.explaining import Tally
from motor_bids_app.levels.explanation import ALIKE, COLUMNS, PEAK_COLUMNS
from motor_bids_app.levels.maps import experiment_mask
from motor_bids_app.models.opened_windows import OpenWindows, open_windows
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
from motor_bids_app.spaces.templates import cut, load_template

METHODS = ("gradcam", "integrated_gradients")
_WINDOWS = 8  # of a person, evenly spaced: neighbours are nearly the same
_COMPARED = 4  # people of each test set who are compared with a network that learned nothing
_MEANING = {
    "gradcam": "Channels of a block of the network, weighed by their gradient and interpolated "
    "(Selvaraju et al. 2017)",
    "integrated_gradients": "What each voxel added to the output, compared with the mean window of "
    "the training fold (Sundararajan et al. 2017)",
}
Volume = NDArray[np.float32]


class WindowExplainer:
    """Explains the networks of windows of the first repeat to the people they are tested on.

    Parameters
    ----------
    folder : Path
        For the maps; emptied.
    cohort : Cohort
        With windows.
    experiment : Experiment
    seed : int
    """

    def __init__(self, folder: Path, cohort: Cohort, experiment: Experiment, seed: int) -> None:
        source = cohort.samples.pieces[WINDOWS].source
        assert isinstance(source, SeriesWindows)
        wanted = experiment.explanation.methods
        chosen = METHODS[:1] if isinstance(wanted, str) else wanted
        self.folder, self.cohort, self.seed = folder, cohort, seed
        self.grid, self.resolution = source.grid, experiment.inputs.resolution
        self.most = experiment.explanation.people_per_test
        self.mask = experiment_mask(experiment.inputs.mask, self.grid)
        self.refused = sorted(set(chosen) - set(METHODS))
        self.tallies = {
            method: Tally(np.zeros(self.grid.shape)) for method in METHODS if method in chosen
        }
        self.apart = 0.0  # mm between places of Grad-CAM
        self._repeat: int | None = None
        shutil.rmtree(folder, ignore_errors=True)

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        """Explain a model fitted to the people outside a test set; see `cross_validate`."""
        network = open_windows(model)
        if self._repeat is None:
            self._repeat = repeat
        if network is None or repeat != self._repeat or training != 1:
            return
        self.apart = float(network.places[0] * self.grid.voxel_sizes.max())
        rows, nothing = self._rows(tested), network.randomised(self.seed)
        for method, tally in self.tallies.items():
            fold = np.zeros(self.grid.shape, dtype=np.float32)
            for number, row in enumerate(rows):
                sample = self.cohort.samples[[row]]
                values, effect, errors = person_map(network, sample, method)
                values *= self.mask
                if number < _COMPARED:
                    other, _, _ = person_map(nothing, sample, method)
                    alike = rank_correlation(values[self.mask], other[self.mask])
                    tally.randomised.append(alike)
                signed = values if effect >= 0 else -values
                fold += signed
                tally.total += signed
                tally.n_people += 1
                tally.errors += errors
                self._save(method, str(self.cohort.samples.participants[row]), values)
            if rows:
                tally.keep_fold(fold / np.float32(len(rows)))

    def _rows(self, tested: NDArray[np.bool_]) -> list[int]:
        """Scans to explain: the first one with windows of each tested person."""
        people, has = self.cohort.samples.participants, self.cohort.samples.pieces[WINDOWS].counts
        first: dict[str, int] = {}
        for row in np.flatnonzero(tested & (has > 0)):
            first.setdefault(str(people[row]), int(row))
        return sorted(first.values())[: self.most]

    def _save(self, method: str, person: str, values: Volume) -> None:
        label = person if person.startswith("sub-") else f"sub-{person}"
        sidecar = {
            **self.sidecar(method),
            "Model": "of the first repeat and training, which did not learn from this person",
        }
        name = f"{label}_desc-{method.replace('_', '')}.nii.gz"
        save_image(map_image(values, self.grid), self.folder / name, sidecar)

    @property
    def unit(self) -> str:
        """Unit of the values."""
        outcome = self.cohort.outcome
        return "log odds of poor" if outcome.cutoff else outcome.score.unit

    def sidecar(self, method: str) -> dict[str, Any]:
        """What every map says."""
        return {
            "Description": f"{_MEANING[method]}; mean over up to {_WINDOWS} windows of a person",
            "Method": TITLES[method],
            "Units": self.unit,
            "Outcome": self.cohort.outcome.question,
            "SpatialReference": STANDARD_SPACE,
        }


def person_map(
    network: OpenWindows, sample: Samples, method: str
) -> tuple[Volume, float, list[tuple[float, float]]]:
    """Mean map over windows of one scan, shape (X, Y, Z), and the mean of their outputs.

    Outputs are counted from that of the mean window of the training fold, which is 0 in the
    network. Of integrated gradients also by how much the map of each window misses its output.
    """
    stride, first = network.places
    maps_of_windows, outputs, errors = [], [], []
    for maps, demographics in network.inputs(sample, _WINDOWS):
        with torch.inference_mode():
            average = float(network.module(0 * maps[:1], demographics[:1]))
            given = network.module(maps, demographics).double().cpu().numpy() - average
        if method == "gradcam":
            found = gradcam(network.module, network.stage, stride, maps, demographics, first=first)
        else:
            values, missed = integrated_gradients(network.module, maps, demographics)
            found = values[:, 0]
            errors += list(zip(np.abs(missed).tolist(), np.abs(given).tolist(), strict=True))
        maps_of_windows.append(found)
        outputs += given.tolist()
    volume = np.concatenate(maps_of_windows).mean(axis=0, dtype=np.float32)
    return volume, float(np.mean(outputs)), errors


def build_window_explainer(
    folder: Path, cohort: Cohort, experiment: Experiment, seed: int
) -> WindowExplainer | None:
    """Return what watches networks of windows; None where nobody has windows."""
    pieces = cohort.samples.pieces.get(WINDOWS)
    if pieces is None or not pieces.size:
        return None
    return WindowExplainer(folder, cohort, experiment, seed)


def explain_windows(folder: Path, explainer: WindowExplainer | None) -> Explanation | None:
    """Write the group's maps and the tables; return the section, or None if nothing was explained.

    Parameters
    ----------
    folder : Path
        Of the experiment.
    """
    if explainer is None or not any(tally.n_people for tally in explainer.tallies.values()):
        return None
    atlas = Regions.of(load_aal(explainer.resolution))
    tables, places, figures = [], [], []
    for method, tally in explainer.tallies.items():
        values = tally.total / tally.n_people
        sidecar = {**explainer.sidecar(method), "NumberOfPeople": tally.n_people}
        path = explainer.folder / f"group_desc-{method.replace('_', '')}_{WINDOWS}.nii.gz"
        save_image(map_image(values, explainer.grid), path, sidecar)
        tables.append(_check(explainer, method, tally, values))
        found = peak_table(values[None], (WINDOWS,), explainer.mask, explainer.grid, atlas)
        found.insert(0, "method", method)
        places.append(found)
        figures.append(_figure(explainer, method, values))
    table, peaks = pd.concat(tables), pd.concat(places)
    _write(folder / "explanation.tsv", table)
    _write(folder / "explanation_peaks.tsv", peaks)
    return Explanation(
        sentences=_sentences(explainer), figures=tuple(figures),
        checks=check_table(table, TITLES), places=place_table(table, TITLES),
        peaks=peak_list(peaks, TITLES),
        references=tuple(REFERENCES[name] for name in (*explainer.tallies, "")),
    )  # fmt: skip


def _write(path: Path, table: pd.DataFrame) -> None:
    known = COLUMNS | (PEAK_COLUMNS if "peaks" in path.name else {})
    write_table(path, table, {str(name): known[str(name)] for name in table})


def _check(
    explainer: WindowExplainer, method: str, tally: Tally, values: NDArray[np.float64]
) -> pd.DataFrame:
    """One row for each check of a method."""
    alike = float(np.mean(tally.randomised))
    state = "passed" if alike < ALIKE else "warning"
    rows: list[tuple[Any, ...]] = [("randomised", None, alike, 0.0, state, len(tally.randomised))]
    if len(tally.folds) > 1:
        inside = [one[explainer.mask] for one in tally.folds]
        n_pairs = len(inside) * (len(inside) - 1) // 2
        rows.append(("stability", None, stability(inside), 1.0, None, n_pairs))
    if tally.errors:
        error, output = np.mean(tally.errors, axis=0)
        rows.append(("completeness", None, error / output, 0.0, None, len(tally.errors)))
    regions = {name: experiment_mask(name, explainer.grid) for name in ("cst", "motor")}
    rows += [
        ("share", name, share, volume, None, tally.n_people)
        for name, (share, volume) in shares(values[None], explainer.mask, regions).items()
    ]
    table = pd.DataFrame(rows, columns=["check", "region", "value", "expected", "state", "n"])
    table.insert(0, "method", method)
    return table


def _figure(explainer: WindowExplainer, method: str, values: NDArray[np.float64]) -> Any:
    template = load_template("T1w", explainer.resolution)
    grey = cut(np.asarray(template.dataobj, dtype=np.float32), template.affine, explainer.grid)
    image: nib.Nifti1Image = map_image(values, explainer.grid)
    return attribution_figure(
        method, f"{TITLES[method]} of the network of windows",
        "in positive places connectivity with M1 spoke, on average, for what the network said of a "
        "person (poor or good, high or low), in negative ones against it; the mean window of the "
        "training people is the reference.",
        {WINDOWS: image}, map_image(grey, explainer.grid), explainer.unit,
    )  # fmt: skip


def _sentences(explainer: WindowExplainer) -> tuple[str, ...]:
    n_people = max(tally.n_people for tally in explainer.tallies.values())
    said = [
        f"{n_people} people were each explained by a network that had not learned from them (first "
        f"repeat, first training), over up to {_WINDOWS} of their windows. Their maps are in the "
        "folder maps.",
    ]
    if "gradcam" in explainer.tallies:
        said.append(
            f"Grad-CAM has one value every {explainer.apart:.0f} mm, interpolated between: it "
            "cannot tell places that are closer. Later layers are coarser still."
        )
    if explainer.refused:
        names = ", ".join(TITLES[name] for name in explainer.refused)
        said.append(f"Not made, because it is not there for networks of windows: {names}.")
    return tuple(said)
