"""Where networks of windows or slices look, in people that they have not learned from."""

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.files import save_image
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.checks import rank_correlation
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.explanation.collect import Tally
from motor_bids_app.levels.group.explanation.maps import TITLES, map_image
from motor_bids_app.levels.group.explanation.tables import ExplainedTables
from motor_bids_app.reports.experiment.explanation import Explanation
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import Grid

_COMPARED = 4  # people of each test set who are compared with a network that learned nothing
_DELETED = 2  # people of each test set whose voxels are deleted, which takes 20 looks at each
Volume = NDArray[np.float32]
Curve = NDArray[np.floating[Any]]


class Opened(Protocol):
    """A network as `models.opened.slices` and `models.opened.windows` give it."""

    def randomised(self, seed: int) -> Self:
        """Return the same network with all weights drawn anew."""


Network = TypeVar("Network", bound=Opened)


class InstanceExplainer(ABC, Generic[Network]):
    """Explains the networks of the first repeat to the people they are tested on.

    Parameters
    ----------
    folder : Path
        For the maps; emptied.
    cohort : Cohort
        With such instances.
    experiment : Experiment
    seed : int
    """

    instance: ClassVar[str]  # of `Samples.instances`
    map: ClassVar[str]  # what is mapped
    network: ClassVar[str]  # for titles
    reading: ClassVar[str]  # of a figure
    meaning: ClassVar[dict[str, str]]  # of the map, for its sidecar, by method

    def __init__(self, folder: Path, cohort: Cohort, experiment: Experiment, seed: int) -> None:
        wanted = experiment.explanation.methods
        chosen = ("gradcam",) if isinstance(wanted, str) else wanted
        self.folder, self.cohort, self.seed = folder, cohort, seed
        self.grid, self.resolution, self.mask = self.places(experiment)
        self.most = experiment.explanation.people_per_test
        self.refused = sorted(set(chosen) - set(self.meaning))
        shape = (1, *self.grid.shape)
        self.tallies = {
            method: Tally(np.zeros(shape)) for method in self.meaning if method in chosen
        }
        self._random = np.random.default_rng(seed)
        self._repeat: int | None = None
        shutil.rmtree(folder, ignore_errors=True)

    @abstractmethod
    def places(self, experiment: Experiment) -> tuple[Grid, int, NDArray[np.bool_]]:
        """Grid of the maps, resolution (mm) of the template behind them, and voxels that count."""

    @abstractmethod
    def open(self, model: Any) -> Network | None:
        """Return the network of a fitted model; None if it has none."""

    @abstractmethod
    def person_map(
        self, network: Network, sample: Samples, method: str
    ) -> tuple[Volume, float, list[tuple[float, float]]]:
        """Map of one scan, shape (X, Y, Z), and the output of the network beyond its average.

        Of integrated gradients also by how much the map of each instance misses its output.
        """

    @abstractmethod
    def deletion(
        self, network: Network, sample: Samples, values: Volume, random: np.random.Generator
    ) -> tuple[Curve, Curve]:
        """What is left of the output as what a map shows is deleted: `deletion_of_instances`."""

    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """Return what a reader of the maps must know."""

    def details(self, row: int) -> dict[str, Any]:  # noqa: ARG002
        """What the sidecar of a person's map says besides."""
        return {}

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        """Explain a model fitted to the people outside a test set; see `cross_validate`."""
        network = self.open(model)
        if self._repeat is None:
            self._repeat = repeat
        if network is None or repeat != self._repeat or training != 1:
            return
        rows, nothing = self._rows(tested), network.randomised(self.seed)
        for method, tally in self.tallies.items():
            fold = np.zeros_like(tally.total, dtype=np.float32)
            for number, row in enumerate(rows):
                sample = self.cohort.samples[[row]]
                values, effect, errors = self.person_map(network, sample, method)
                values *= self.mask
                if number < _COMPARED:
                    other, _, _ = self.person_map(nothing, sample, method)
                    alike = rank_correlation(values[self.mask], other[self.mask])
                    tally.randomised.append(alike)
                if number < _DELETED:
                    drops, random = self.deletion(network, sample, values, self._random)
                    tally.drops.append(drops)
                    tally.random_drops.append(random)
                signed = values if effect >= 0 else -values
                fold += signed
                tally.total += signed
                tally.n_people += 1
                tally.errors += errors
                self._save(method, row, values)
            if rows:
                tally.keep_fold(fold / np.float32(len(rows)))

    def _rows(self, tested: NDArray[np.bool_]) -> list[int]:
        """Scans to explain: the first one with instances of each tested person."""
        people = self.cohort.samples.participants
        has = self.cohort.samples.instances[self.instance].counts
        first: dict[str, int] = {}
        for row in np.flatnonzero(tested & (has > 0)):
            first.setdefault(str(people[row]), int(row))
        return sorted(first.values())[: self.most]

    def _save(self, method: str, row: int, values: Volume) -> None:
        person = str(self.cohort.samples.participants[row])
        label = person if person.startswith("sub-") else f"sub-{person}"
        sidecar = {
            **self._sidecar(method),
            "Model": "of the first repeat and training, which did not learn from this person",
            **self.details(row),
        }
        name = f"{label}_desc-{method.replace('_', '')}.nii.gz"
        save_image(map_image(values, self.grid), self.folder / name, sidecar)

    @property
    def _unit(self) -> str:
        outcome = self.cohort.outcome
        return "log odds of poor" if outcome.cutoff else outcome.score.unit

    def _sidecar(self, method: str) -> dict[str, Any]:
        return {
            "Description": self.meaning[method],
            "Method": TITLES[method],
            "Units": self._unit,
            "Outcome": self.cohort.outcome.question,
            "SpatialReference": STANDARD_SPACE,
        }

    def explain(self, folder: Path) -> Explanation | None:
        """Write the group's maps and the tables; return the section, or None without any map.

        Parameters
        ----------
        folder : Path
            Of the experiment.
        """
        if not any(tally.n_people for tally in self.tallies.values()):
            return None
        tables = ExplainedTables(self.grid, self.mask, self.resolution)
        for method, tally in self.tallies.items():
            values = tally.total[0] / tally.n_people
            sidecar = {**self._sidecar(method), "NumberOfPeople": tally.n_people}
            path = self.folder / f"group_desc-{method.replace('_', '')}_{self.map}.nii.gz"
            save_image(map_image(values, self.grid), path, sidecar)
            title = f"{TITLES[method]} of the {self.network}"
            tables.add(method, tally, {self.map: values}, title, self.reading, self._unit)
        return tables.write(folder, self._sentences())

    def _sentences(self) -> list[str]:
        n_people = max(tally.n_people for tally in self.tallies.values())
        said = [
            f"{n_people} people were each explained by a {self.network} that had not learned from "
            "them (first repeat, first training). Their maps are in the folder maps.",
            *self.notes(),
        ]
        if self.refused:
            names = ", ".join(TITLES[name] for name in self.refused)
            said.append(f"Not made, because it is not there for a {self.network}: {names}.")
        return said
