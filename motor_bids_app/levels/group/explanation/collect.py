"""Attribution maps of the final model while it is cross-validated, for people it has not seen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.explanation.attribution import activation_pattern, deviations
from motor_bids_app.explanation.checks import STEPS, deletion_drops, rank_correlation, shares
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.explanation.attributing import (
    OF_NETWORKS,
    attribute,
    linear_output,
    network_output,
)
from motor_bids_app.levels.group.explanation.looks import (
    TOGETHER,
    FirstTime,
    Look,
    in_parts,
    kept,
    name_look,
)
from motor_bids_app.levels.group.explanation.maps import save_person
from motor_bids_app.levels.group.explanation.tally import Tally
from motor_bids_app.models.networks.inputs import map_columns, volumes_of
from motor_bids_app.models.opened.maps import (
    OpenNetwork,
    is_linear,
    is_opened,
    linear_scores,
    linear_weights,
    open_networks,
    plain_model,
    seen_volumes,
)
from motor_bids_app.models.training.snapshots import Checkpoints

OF_LINEAR = ("weights", "pattern", "integrated_gradients")
CHEAP = {"linear": OF_LINEAR, "network": ("gradcam", "integrated_gradients")}
Maps = NDArray[np.float32]


class Explainer:
    """Explains models to the people they are tested on, each person the first time.

    Parameters
    ----------
    folder : Path
        For the maps.
    cohort : Cohort
        With maps.
    experiment : Experiment
    seed : int
    place : Checkpoints, optional
        Where looks at networks are kept.

    Attributes
    ----------
    lesions : callable or None
        From a scan to its lesion on the grid of the maps, a bool array, shape (X, Y, Z).
    """

    def __init__(
        self,
        folder: Path,
        cohort: Cohort,
        experiment: Experiment,
        seed: int,
        place: Checkpoints | None = None,
    ) -> None:
        self.folder = folder
        self.cohort = cohort
        self.wanted = experiment.explanation
        self.lesions: Callable[[int], NDArray[np.bool_]] | None = None
        self.seed = seed
        self.place = place
        self.volumes = volumes_of(cohort.samples)
        self.mask = np.ones(self.volumes.grid.shape, dtype=bool)
        if cohort.mask is not None:
            self.mask = cohort.mask
        self.voxel_size = float(self.volumes.grid.voxel_sizes.mean())
        self.random = np.random.default_rng(seed)
        self.tallies: dict[str, Tally] = {}
        self.linear = False
        self.refused: set[str] = set()
        self.turn = FirstTime(cohort.samples.participants, self.wanted.people_per_test)

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:  # noqa: ARG002
        """Explain a model fitted to the people outside a test set; see `cross_validate`."""
        rows = self.turn.rows(training, tested)
        if not rows:
            return
        self.linear = is_linear(model)
        if self.linear:
            self._explain_linear(model, tested, rows)
        elif networks := open_networks(model):
            self._explain_networks(networks, rows)

    def explains(self, model: Any) -> bool:
        """Whether there will be networks to look at in a model that is not fitted."""
        return is_opened(model)

    def look_ahead(self, model: Any, rows: list[int], *, first: bool) -> None:
        """Have the looks that `watch` will ask for at some people, the first of a test set or not.

        They are kept, and nothing else is changed.
        """
        if networks := open_networks(model):
            for method in self.methods(OF_NETWORKS, "network"):
                self.look(method, networks, rows, first=first)

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
            if row in rows[:TOGETHER]:
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
        for method in self.methods(OF_NETWORKS, "network"):
            tally, fold = self.tally(method), np.zeros_like(self.tally(method).total, np.float32)
            for number, some in enumerate(in_parts(rows)):
                look = self.look(method, networks, some, first=number == 0)
                tally.add(look)
                for row, one, effect in zip(some, look.values, look.effects, strict=True):
                    self.add_person(method, row, one, float(effect))
                    fold += one if effect >= 0 else -one
            tally.keep_fold(fold / np.float32(len(rows)))

    def look(
        self, method: str, networks: Sequence[OpenNetwork], rows: list[int], *, first: bool
    ) -> Look:
        """Mean over networks of what each says of scans; the first of a test set are compared."""

        def name() -> str:
            samples = self.cohort.samples[rows]
            maps = [self.cohort.maps, *(one.maps for one in networks)]
            said = (method, self.seed, first, rows, self.mask.shape, *maps)
            shown = (part for one in networks for part in one.inputs(samples))
            mask = torch.from_numpy(self.mask)
            return name_look(said, [one.module for one in networks], (mask, *shown))

        def look() -> Look:
            found = self._mean_map(method, networks, rows)
            if not first:
                return found
            nothing = [network.randomised(self.seed) for network in networks]
            random = self._mean_map(method, nothing, rows, judge=False).values
            # Maps that no network sees are 0 in both, and would look alike.
            seen = sorted({self.cohort.maps.index(name) for one in networks for name in one.maps})
            alike = map(self._agree, found.values[:, seen], random[:, seen])
            return replace(found, randomised=np.array([*alike]))

        return kept(self.place, name, look)

    def _mean_map(
        self, method: str, networks: Sequence[OpenNetwork], rows: list[int], judge: bool = True
    ) -> Look:
        """Maps of scans and what they moved the output by; with `judge` by what is deleted too."""
        samples = self.cohort.samples[rows]
        values = np.zeros((len(rows), len(self.cohort.maps), *self.mask.shape), dtype=np.float32)
        effects, drops, missed = np.zeros(len(rows)), list[tuple[Any, Any]](), list[Any]()
        for network in networks:
            columns = [self.cohort.maps.index(name) for name in network.maps]
            inputs, demographics = network.inputs(samples)
            found, errors = attribute(
                method, network, inputs, demographics, self.mask, self.voxel_size
            )
            values[:, columns] += found / len(networks)
            for k, row in enumerate(rows):
                output = network_output(network, demographics[k])
                person = inputs[k].cpu().numpy()
                whole, none = output(np.stack([person, 0 * person]))
                effects[k] += (whole - none) / len(networks)
                if judge:
                    order = np.random.default_rng([self.seed, row])
                    drops.append(deletion_drops(output, person, found[k], self.mask, order))
                if judge and errors is not None:
                    missed.append((abs(errors[k]), abs(whole - none)))
        return Look(
            values=values,
            effects=effects,
            randomised=np.zeros(0),
            drops=np.array([one for one, _ in drops]).reshape(-1, STEPS + 1),
            random_drops=np.array([one for _, one in drops]).reshape(-1, STEPS + 1),
            errors=np.array(missed).reshape(-1, 2),
        )
