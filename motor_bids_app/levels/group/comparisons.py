"""What is evaluated beside the ladder, on the same splits, as [comparisons] asks for.

Classifiers on the layers of the network are fitted while it is cross-validated; networks of
single maps and of other masks are trained anew.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import (
    COLUMNS,
    Watch,
    cross_validate,
    mean_by_person,
)
from motor_bids_app.explanation.embedding import LEAST, embed
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS, WindowVolumes
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.maps import experiment_mask
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.progress import progress_bar
from motor_bids_app.models.networks.layers import LAYERS, layer_predictions, layered_network
from motor_bids_app.reports.models import LABELS
from motor_bids_app.spaces.grids import Grid

CLASSIFIER_LABELS = {
    "knn": "k-nearest neighbours",
    "svm": "Support vector machine",
    "tree": "Decision tree",
    "forest": "Random forest",
    "adaboost": "AdaBoost",
    "bayes": "Naive Bayes",
}
LAYER_LABELS = {
    "flatten": "joined features",
    "dense1": "first dense layer",
    "dense2": "second dense layer",
}
MASK_LABELS = {
    "brain": "the whole brain",
    "cst": "the corticospinal tract",
    "motor": "motor regions",
    "cst+motor": "the corticospinal tract and motor regions",
}


@dataclass(frozen=True, kw_only=True)
class ComparisonModels:
    """Models beside the ladder.

    Parameters
    ----------
    labels : dict
        Name of each, and what it is; in the order of the tables.
    tables : dict of DataFrame
        Out-of-fold predictions of each, see `cross_validate`.
    embedding : DataFrame or None
        Tested people of the first split as points: columns layer, participant_id, x, y.
    notes : tuple of str
        Remarks, one sentence each.
    """

    labels: dict[str, str] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    embedding: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


class LayerWatcher:
    """Fits classifiers on the layers of each network that `cross_validate` shows.

    Parameters
    ----------
    cohort : Cohort
    splits : DataFrame
        Columns repeat, fold, participant_id.
    classifiers : sequence of str
        See `models.networks.layers`.
    seed : int
    """

    def __init__(
        self, cohort: Cohort, splits: pd.DataFrame, classifiers: Sequence[str], seed: int
    ) -> None:
        self.cohort = cohort
        self.classifiers = classifiers
        self.seed = seed
        self.embedding: pd.DataFrame | None = None
        tested = zip(splits["repeat"], splits["participant_id"], strict=True)
        self._folds = dict(zip(tested, splits["fold"], strict=True))
        self._parts: dict[str, list[pd.DataFrame]] = {}
        self._first = True

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        """Fit to the people outside a test set, and predict those inside."""
        network = layered_network(model)
        if network is None:
            return
        samples, y = self.cohort.samples, np.asarray(self.cohort.y)
        found = layer_predictions(
            network,
            samples[~tested],
            y[~tested],
            samples[tested],
            self.classifiers,
            self.seed + training - 1,
        )
        fold = int(self._folds[repeat, str(samples[tested].participants[0])])
        for (classifier, layer), values in found.items():
            part = mean_by_person(values, samples[tested]).reset_index()
            part["repeat"], part["fold"], part["training"] = repeat, fold, training
            self._parts.setdefault(f"{classifier}-{layer}", []).append(part)
        if self._first:
            self._first = False
            self.embedding = _embedded(network, samples[tested], self.seed)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Out-of-fold predictions by name, in the order of layers."""
        names = [f"{name}-{layer}" for layer in LAYERS for name in self.classifiers]
        return {
            name: pd.concat(self._parts[name], ignore_index=True)[COLUMNS]
            for name in names
            if name in self._parts
        }


def _embedded(network: Any, tested: Samples, seed: int) -> pd.DataFrame | None:
    """Place each tested person, by the first scan, as each layer sees it."""
    people, first = np.unique(tested.participants, return_index=True)
    if len(people) < LEAST:
        return None
    parts = []
    for layer, features in zip(LAYERS, network.layers(tested[first]), strict=True):
        x, y = embed(features, seed).T
        parts.append(pd.DataFrame({"layer": layer, "participant_id": people, "x": x, "y": y}))
    return pd.concat(parts, ignore_index=True)


def layer_watcher(builder: Builder, splits: pd.DataFrame) -> LayerWatcher | None:
    """Return what fits classifiers on layers; None where the experiment wants none."""
    wanted = builder.experiment.comparisons.layers
    if not wanted or builder.cohort.outcome.task != "classification":
        return None
    return LayerWatcher(builder.cohort, splits, wanted, builder.seed)


def watched_by_both(one: Watch | None, other: Watch | None) -> Watch | None:
    """Return one watcher that shows each model to both."""
    if one is None or other is None:
        return one or other

    def watch(model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        one(model, repeat, training, tested)
        other(model, repeat, training, tested)

    return watch


def _grid(samples: Samples) -> Grid:
    """Grid of the maps that networks read: of scans, or of sliding windows."""
    if samples.volumes is not None:
        return samples.volumes.grid
    return WindowVolumes(samples.instances[WINDOWS]).grid


def evaluate_comparisons(
    builder: Builder,
    splits: pd.DataFrame,
    watcher: LayerWatcher | None,
    models: Collection[str],
) -> ComparisonModels:
    """Train the networks that [comparisons] asks for, and collect what the watcher has seen.

    `models` are those that have their inputs.
    """
    experiment, cohort = builder.experiment, builder.cohort
    labels: dict[str, str] = {}
    tables: dict[str, pd.DataFrame] = {}
    notes: tuple[str, ...] = ()
    if watcher is not None:
        tables = watcher.tables
        for name in tables:
            classifier, layer = name.split("-")
            labels[name] = f"{CLASSIFIER_LABELS[classifier]} on {LAYER_LABELS[layer]}"
    if experiment.comparisons.single_maps and len(cohort.maps) == 1:
        notes = (
            f"[comparisons] single_maps has nothing to compare: {cohort.maps[0]} is the only map.",
        )
    for name, variant in _variants(builder, models).items():
        labels[name] = variant.label
        with progress_bar(f"{experiment.name}: {variant.label}") as report:
            tables[name] = cross_validate(
                builder.build(variant.model, **variant.changes),
                cohort.samples,
                cohort.y,
                splits,
                report,
                fit=builder.fit,
            )
    embedding = None if watcher is None else watcher.embedding
    return ComparisonModels(labels=labels, tables=tables, embedding=embedding, notes=notes)


class _Variant(NamedTuple):
    """A network of the experiment, changed."""

    label: str
    model: str
    changes: dict[str, Any]  # see `Builder.build`


def _variants(builder: Builder, models: Collection[str]) -> dict[str, _Variant]:
    """Networks of single maps, in other masks, and of slices by other networks, by name."""
    wanted, kind = builder.experiment.comparisons, builder.experiment.model.kind
    found: dict[str, _Variant] = {}
    if kind in models and wanted.single_maps and len(builder.cohort.maps) > 1:
        for name in builder.cohort.maps:
            label = f"Network of {name.upper()} alone"
            found[f"{kind}-{name}"] = _Variant(label, kind, {"maps": (name,)})
    for name in wanted.masks if kind in models else ():
        own = {"mask": experiment_mask(name, _grid(builder.cohort.samples))}
        found[f"{kind}-{name}"] = _Variant(f"Network in {MASK_LABELS[name]}", kind, own)
    for model in (one for one in ("slices", "shi2025") if one in models):
        for name in wanted.backbones:
            label = f"{LABELS[model]}: {name}"
            found[f"{model}-{name}"] = _Variant(label, model, {"backbone": name})
    return found
