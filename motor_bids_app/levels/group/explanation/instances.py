"""Where networks of windows or slices look, in people that they have not learned from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from motor_bids_app.bids.files import save_image
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.checks import STEPS, rank_correlation
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.explanation.looks import (
    FirstTime,
    Look,
    in_parts,
    kept,
    name_look,
)
from motor_bids_app.levels.group.explanation.maps import TITLES, map_image
from motor_bids_app.levels.group.explanation.tables import ExplainedTables
from motor_bids_app.levels.group.explanation.tally import Tally
from motor_bids_app.models.training.snapshots import Checkpoints
from motor_bids_app.reports.experiment.explanation import Explanation
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import Grid

_DELETED = 2  # people of each test set whose voxels are deleted, which takes 20 looks at each
Volume = NDArray[np.float32]
Curve = NDArray[np.floating[Any]]


class Opened(Protocol):
    """A network as `models.opened.slices` and `models.opened.windows` give it."""

    @property
    def module(self) -> nn.Module:
        """What computes."""
        ...

    def randomised(self, seed: int) -> Self:
        """Return the same network with all weights drawn anew."""


Network = TypeVar("Network", bound=Opened)


class InstanceExplainer(ABC, Generic[Network]):
    """Explains networks to the people they are tested on, each person the first time.

    Parameters
    ----------
    folder : Path
        For the maps.
    cohort : Cohort
        With such instances.
    experiment : Experiment
    seed : int
    place : Checkpoints, optional
        Where looks at networks are kept.
    """

    instance: ClassVar[str]  # of `Samples.instances`
    map: ClassVar[str]  # what is mapped
    network: ClassVar[str]  # for titles
    reading: ClassVar[str]  # of a figure
    meaning: ClassVar[dict[str, str]]  # of the map, for its sidecar, by method

    def __init__(
        self,
        folder: Path,
        cohort: Cohort,
        experiment: Experiment,
        seed: int,
        place: Checkpoints | None = None,
    ) -> None:
        wanted = experiment.explanation.methods
        chosen = ("gradcam",) if isinstance(wanted, str) else wanted
        self.folder, self.cohort, self.seed, self.place = folder, cohort, seed, place
        self.grid, self.resolution, self.mask = self.places(experiment)
        self.refused = sorted(set(chosen) - set(self.meaning))
        shape = (1, *self.grid.shape)
        self.tallies = {
            method: Tally(np.zeros(shape)) for method in self.meaning if method in chosen
        }
        has = cohort.samples.instances[self.instance].counts > 0
        most = experiment.explanation.people_per_test
        self.turn = FirstTime(cohort.samples.participants, most, has)

    @abstractmethod
    def places(self, experiment: Experiment) -> tuple[Grid, int, NDArray[np.bool_]]:
        """Grid of the maps, resolution (mm) of the template behind them, and voxels that count."""

    @abstractmethod
    def explains(self, model: Any) -> bool:
        """Whether `open` will find a network in a model that is not fitted."""

    @abstractmethod
    def open(self, model: Any) -> Network | None:
        """Return the network of a fitted model; None if it has none."""

    @abstractmethod
    def shown(self, network: Network, sample: Samples) -> Iterator[Tensor]:
        """Yield what the network is shown of one scan."""

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

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:  # noqa: ARG002
        """Explain a model fitted to the people outside a test set; see `cross_validate`."""
        network, rows = self.open(model), self.turn.rows(training, tested)
        if network is None or not rows:
            return
        for method, tally in self.tallies.items():
            fold = np.zeros_like(tally.total, dtype=np.float32)
            for number, some in enumerate(in_parts(rows)):
                look = self.look(method, network, some, first=number == 0)
                tally.add(look)
                for row, values, effect in zip(some, look.values[:, 0], look.effects, strict=True):
                    signed = values if effect >= 0 else -values
                    fold += signed
                    tally.total += signed
                    tally.n_people += 1
                    self._save(method, row, values)
            tally.keep_fold(fold / np.float32(len(rows)))

    def look_ahead(self, model: Any, rows: list[int], *, first: bool) -> None:
        """Have looks that `watch` will ask for; see `Explainer.look_ahead`."""
        network = self.open(model)
        if network is not None:
            for method in self.tallies:
                self.look(method, network, rows, first=first)

    def look(self, method: str, network: Network, rows: list[int], *, first: bool) -> Look:
        """What a network says of scans; of a test set the first are compared, and deleted."""
        samples = [self.cohort.samples[[row]] for row in rows]

        def name() -> str:
            said = (self.instance, method, self.seed, first, rows, self.mask.shape)
            given = (part for sample in samples for part in self.shown(network, sample))
            return name_look(said, [network.module], (torch.from_numpy(self.mask), *given))

        def look() -> Look:
            found = [self.person_map(network, sample, method) for sample in samples]
            maps = [values * self.mask for values, _, _ in found]
            alike, drops = list[float](), list[tuple[Curve, Curve]]()
            if first:
                nothing = network.randomised(self.seed)
                others = [self.person_map(nothing, sample, method)[0] for sample in samples]
                pairs = zip(maps, others, strict=True)
                alike = [rank_correlation(a[self.mask], b[self.mask]) for a, b in pairs]
                drops = [
                    self.deletion(network, sample, values, np.random.default_rng([self.seed, row]))
                    for row, sample, values in zip(rows[:_DELETED], samples, maps, strict=False)
                ]
            return Look(
                values=np.stack(maps)[:, None].astype(np.float32) + np.float32(0),  # no -0
                effects=np.array([effect for _, effect, _ in found]),
                randomised=np.array(alike),
                drops=np.array([one for one, _ in drops]).reshape(-1, STEPS + 1),
                random_drops=np.array([one for _, one in drops]).reshape(-1, STEPS + 1),
                errors=np.array([one for *_, errors in found for one in errors]).reshape(-1, 2),
            )

        return kept(self.place, name, look)

    def _save(self, method: str, row: int, values: Volume) -> None:
        person = str(self.cohort.samples.participants[row])
        label = person if person.startswith("sub-") else f"sub-{person}"
        sidecar = {
            **self._sidecar(method),
            "Model": "of the first training of the first test set with this person: it did not "
            "learn from them",
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
            "them (first training of the first test set that they are in). Their maps are in the "
            "folder maps.",
            *self.notes(),
        ]
        if self.refused:
            names = ", ".join(TITLES[name] for name in self.refused)
            said.append(f"Not made, because it is not there for a {self.network}: {names}.")
        return said
