"""Attribution maps of the final model while it is cross-validated, for people it has not seen."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.attribution import activation_pattern, deviations
from motor_bids_app.explanation.checks import deletion_drops, rank_correlation, shares
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.explanation.attributing import (
    OF_NETWORKS,
    attribute,
    linear_output,
    network_output,
)
from motor_bids_app.levels.group.explanation.maps import save_person
from motor_bids_app.models.networks.inputs import map_columns, volumes_of
from motor_bids_app.models.opened.maps import (
    OpenNetwork,
    is_linear,
    linear_scores,
    linear_weights,
    open_networks,
    plain_model,
    seen_volumes,
)

OF_LINEAR = ("weights", "pattern", "integrated_gradients")
CHEAP = {"linear": OF_LINEAR, "network": ("gradcam", "integrated_gradients")}
_FOLDS = 10  # whose maps are kept to compare; pairs of more tell little more
_BATCH = 4  # people at a time, and of each fold for the comparison with random models
Maps = NDArray[np.float32]


@dataclass
class Tally:
    """What is known of one method so far.

    Parameters
    ----------
    total : float64 array, shape (n_maps, X, Y, Z)
        Sum of the maps of people, each in the direction of its own prediction.
    n_people : int
        People in it.
    folds : list of float32 array
        Map of the model of each training fold.
    randomised : list of float
        Rank correlations with maps of models that learned nothing.
    drops, random_drops : list of float array
        See `deletion_drops`, by person.
    lesion : list of (float, float)
        Share of a person's attribution, and of the voxels, in the own lesion.
    errors : list of (float, float)
        Of integrated gradients: by how much the map misses the output, and the output.
    """

    total: NDArray[np.float64]
    n_people: int = 0
    folds: list[Maps] = field(default_factory=list)
    randomised: list[float] = field(default_factory=list)
    drops: list[NDArray[Any]] = field(default_factory=list)
    random_drops: list[NDArray[Any]] = field(default_factory=list)
    lesion: list[tuple[float, float]] = field(default_factory=list)
    errors: list[tuple[float, float]] = field(default_factory=list)

    def keep_fold(self, values: Maps) -> None:
        """Remember the map of a fold's model."""
        if len(self.folds) < _FOLDS:
            self.folds.append(values)


class Explainer:
    """Explains models to the people they are tested on, each person the first time.

    Folds test everyone in the first repeat; holdouts take several repeats to come to all.

    Parameters
    ----------
    folder : Path
        For the maps; emptied.
    cohort : Cohort
        With maps.
    experiment : Experiment
    lesions : bool array, shape (n_scans, X, Y, Z), or None
        Lesion of each scan on the grid of the maps.
    seed : int
    """

    def __init__(
        self,
        folder: Path,
        cohort: Cohort,
        experiment: Experiment,
        lesions: Callable[[int], NDArray[np.bool_]] | None,
        seed: int,
    ) -> None:
        self.folder = folder
        self.cohort = cohort
        self.wanted = experiment.explanation
        self.lesions = lesions
        self.seed = seed
        self.volumes = volumes_of(cohort.samples)
        self.mask = np.ones(self.volumes.grid.shape, dtype=bool)
        if cohort.mask is not None:
            self.mask = cohort.mask
        self.voxel_size = float(self.volumes.grid.voxel_sizes.mean())
        self.random = np.random.default_rng(seed)
        self.tallies: dict[str, Tally] = {}
        self.linear = False
        self.refused: set[str] = set()
        self._seen: set[str] = set()  # people tested in earlier test sets
        shutil.rmtree(folder, ignore_errors=True)

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:  # noqa: ARG002
        """Explain a model fitted to the people outside a test set; see `cross_validate`."""
        if training != 1:
            return
        rows = self._new_rows(tested)
        if not rows:
            return
        self.linear = is_linear(model)
        if self.linear:
            self._explain_linear(model, tested, rows)
        elif networks := open_networks(model):
            self._explain_networks(networks, rows)

    def methods(self, possible: tuple[str, ...], kind: str) -> list[str]:
        """Methods to use, of those that are possible for a kind of model."""
        wanted = self.wanted.methods
        chosen = CHEAP[kind] if wanted == "auto" else tuple(wanted)
        self.refused |= set(chosen) - set(possible)
        return [name for name in possible if name in chosen]

    def tally(self, method: str) -> Tally:
        """Return the tally of a method, a new one where it is the first time."""
        if method not in self.tallies:
            shape = (len(self.cohort.maps), *self.volumes.grid.shape)
            self.tallies[method] = Tally(np.zeros(shape))
        return self.tallies[method]

    def _new_rows(self, tested: NDArray[np.bool_]) -> list[int]:
        """Scans to explain: the first one of each person not tested before, as many as wanted."""
        people = self.cohort.samples.participants
        first: dict[str, int] = {}
        for row in np.flatnonzero(tested):
            first.setdefault(str(people[row]), int(row))
        new = sorted(row for person, row in first.items() if person not in self._seen)
        self._seen |= set(first)
        return new[: self.wanted.people_per_test]

    def add_person(self, method: str, row: int, values: Maps, effect: float) -> None:
        """Save the map of a person, and add it in the direction of the person's prediction."""
        tally = self.tally(method)
        tally.total += values if effect >= 0 else -values
        tally.n_people += 1
        if self.lesions is not None:
            found = shares(values, self.mask, {"lesion": self.lesions(row)})
            tally.lesion += found.values()
        person = str(self.cohort.samples.participants[row])
        save_person(self.folder, self.cohort, method, person, values)

    def add_deletion(
        self, method: str, output: Callable[[Maps], Any], inputs: Maps, values: Maps
    ) -> None:
        """Delete voxels of a person by a map, and in random order."""
        drops, random = deletion_drops(output, inputs, values, self.mask, self.random)
        self.tally(method).drops.append(drops)
        self.tally(method).random_drops.append(random)

    def _explain_linear(self, model: Any, tested: NDArray[np.bool_], rows: list[int]) -> None:
        methods = self.methods(OF_LINEAR, "linear")
        samples, columns = self.cohort.samples, map_columns(self.volumes, plain_model(model).maps_)
        training = samples[~tested]
        volumes, everyone = seen_volumes(model, training), seen_volumes(model, samples)
        nothing = self._learned_nothing(model, training, self.cohort.y[~tested])
        weights, random_weights = linear_weights(model), linear_weights(nothing)
        mean = volumes.mean()
        scale = volumes.spread(mean, self.cohort.mask)[columns, None, None, None]
        if "weights" in methods:
            self.tally("weights").keep_fold(weights * scale)
            self.tally("weights").randomised.append(self._agree(weights, random_weights, scale))
        if "pattern" in methods:
            pair = [
                activation_pattern(volumes, columns, linear_scores(one, training)) / scale
                for one in (model, nothing)
            ]
            self.tally("pattern").keep_fold(pair[0])
            self.tally("pattern").randomised.append(self._agree(pair[0], pair[1]))
        if "integrated_gradients" not in methods:
            return
        tally, fold = self.tally("integrated_gradients"), np.zeros_like(weights)
        for row in rows:
            inputs = deviations(everyone[[row]], columns, mean[columns])[0]
            values = inputs * weights
            effect = float(values.sum())
            self.add_person("integrated_gradients", row, values, effect)
            self.add_deletion("integrated_gradients", linear_output(weights), inputs, values)
            if row in rows[:_BATCH]:
                tally.randomised.append(self._agree(values, inputs * random_weights))
            fold += values if effect >= 0 else -values
        tally.keep_fold(fold / np.float32(len(rows)))

    def _learned_nothing(self, model: Any, training: Samples, y: NDArray[Any]) -> Any:
        """The same model fitted after the labels were dealt out anew among people."""
        people, first, own = np.unique(
            training.participants, return_index=True, return_inverse=True
        )
        return clone(plain_model(model)).fit(
            training, y[first][self.random.permutation(len(people))][own]
        )

    def _agree(self, one: Maps, other: Maps, scale: Maps | float = 1.0) -> float:
        return rank_correlation((one * scale)[:, self.mask], (other * scale)[:, self.mask])

    def _explain_networks(self, networks: Sequence[OpenNetwork], rows: list[int]) -> None:
        seen = sorted({self.cohort.maps.index(name) for one in networks for name in one.maps})
        for method in self.methods(OF_NETWORKS, "network"):
            tally, fold = self.tally(method), np.zeros_like(self.tally(method).total, np.float32)
            for start in range(0, len(rows), _BATCH):
                some = rows[start : start + _BATCH]
                values, effects = self._mean_map(method, networks, some)
                if start == 0:
                    nothing = [network.randomised(self.seed) for network in networks]
                    random, _ = self._mean_map(method, nothing, some, judge=False)
                    # Maps that no network sees are 0 in both, and would look alike.
                    tally.randomised += map(self._agree, values[:, seen], random[:, seen])
                for row, one, effect in zip(some, values, effects, strict=True):
                    self.add_person(method, row, one, float(effect))
                    fold += one if effect >= 0 else -one
            tally.keep_fold(fold / np.float32(len(rows)))

    def _mean_map(
        self, method: str, networks: Sequence[OpenNetwork], rows: list[int], judge: bool = True
    ) -> tuple[Maps, NDArray[np.float64]]:
        """Maps of scans and what they moved the output by, mean over networks.

        With `judge`, deletions and errors go into the tally.
        """
        samples = self.cohort.samples[rows]
        values = np.zeros((len(rows), *self.tally(method).total.shape), dtype=np.float32)
        effects = np.zeros(len(rows))
        for network in networks:
            columns = [self.cohort.maps.index(name) for name in network.maps]
            inputs, demographics = network.inputs(samples)
            found, errors = attribute(
                method, network, inputs, demographics, self.mask, self.voxel_size
            )
            values[:, columns] += found / len(networks)
            for k in range(len(rows)):
                output = network_output(network, demographics[k])
                person = inputs[k].cpu().numpy()
                whole, none = output(np.stack([person, 0 * person]))
                effects[k] += (whole - none) / len(networks)
                if judge:
                    self.add_deletion(method, output, person, found[k])
                if judge and errors is not None:
                    self.tally(method).errors.append((abs(errors[k]), abs(whole - none)))
        return values, effects
