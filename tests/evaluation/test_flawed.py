"""Flawed protocols, on people about whom there is nothing to find."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from motor_bids_app.evaluation.flawed import FLAWS
from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.protocols import Fits, Plan, out_of_fold
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.models.tables.classical import TableClassifier
from motor_bids_app.models.tables.kernel import KernelClassifier
from motor_bids_app.spaces.grids import Grid

N_PATIENTS, N_CONTROLS = 40, 10
COLUMNS = tuple(f"c{i}" for i in range(20))
UNKNOWN = 30.0  # months, in the place of a missing time
CHANCE = 0.08  # mean AUCs of right protocols are within it of 0.5
COHORTS = 10


def deal(truth, controls):
    return make_splits(
        list(truth.index),
        truth.to_numpy().astype(int),
        folds=3,
        repeats=1,
        strata=controls.to_numpy(),
    )


class Linear(ClassifierMixin, BaseEstimator):
    """Ridge on columns; with `chance`, on the half of them that the seed draws."""

    def __init__(self, columns=COLUMNS, penalty=1.0, chance=False, random_state=0):
        self.columns = columns
        self.penalty = penalty
        self.chance = chance
        self.random_state = random_state

    def fit(self, X, y):
        values = self._values(X)
        self.mean_ = values.mean(axis=0)
        used = np.ones(len(self.columns))
        if self.chance:
            used = np.random.default_rng(self.random_state).permutation(len(used)) % 2
        centred = (values - self.mean_) * used
        gram = centred.T @ centred + self.penalty * np.eye(len(used))
        self.weights_ = used * np.linalg.solve(gram, centred.T @ (y - y.mean()))
        self.rate_ = y.mean()
        return self

    def predict_proba(self, X):
        poor = (self._values(X) - self.mean_) @ self.weights_ + self.rate_
        return np.column_stack([1 - poor, poor])

    def _values(self, X):
        return np.nan_to_num(X.table[list(self.columns)].to_numpy(float), nan=UNKNOWN)


class NearestMean(ClassifierMixin, BaseEstimator):
    """A model without any setting."""


def noise(seed, model=None, sessions=1, windows=1, controls=0, columns=COLUMNS):
    """A plan for people whose classes are drawn regardless of what they look like."""
    rng = np.random.default_rng(seed)
    n = N_PATIENTS + controls
    looks = rng.normal(size=(n, len(COLUMNS)))
    looks[N_PATIENTS:, 0] += 4  # healthy brains can be told
    poor = (rng.random(n) < 0.4) & (np.arange(n) < N_PATIENTS)
    row = np.repeat(np.arange(n), sessions * windows)
    table = pd.DataFrame(looks[row] + 0.3 * rng.normal(size=(len(row), 20)), columns=COLUMNS)
    table["participant_id"] = [f"sub-{i:02d}" for i in row]
    table["session_id"] = np.tile(np.repeat([f"ses-{s}" for s in range(sessions)], windows), n)
    table["group"] = np.where(row < N_PATIENTS, "patient", "control")
    table["time_since_stroke"] = np.where(row < N_PATIENTS, rng.uniform(6, 60, len(row)), np.nan)
    truth = pd.Series(poor.astype(float), index=[f"sub-{i:02d}" for i in range(n)])
    healthy = pd.Series(np.arange(n) >= N_PATIENTS, index=truth.index)
    return Plan(
        samples=Samples(table),
        y=poor[row].astype(int),
        truth=truth,
        deal=deal,
        splits=deal(truth, healthy),
        task="classification",
        columns=columns,
        variants=(((model or Linear(columns=columns),),),),
    )


def auc(plan, fits=None):
    predictions = out_of_fold(plan, fits or Fits(), "roc_auc")
    assert len(predictions.truth) == plan.counted.sum()
    return float(classification_metrics(predictions)["roc_auc"][0])


SCENES = {  # a flaw, where it can be made, and how far above chance it comes at least
    "scan-folds": ({"sessions": 2}, 0.15),
    "window-folds": ({"windows": 3}, 0.15),
    "augmented-before-split": ({}, 0.05),
    "selection-before-split": ({}, 0.08),
    "best-of-trainings": ({"model": Linear(chance=True)}, 0.10),
    "choice-on-test": ({"columns": COLUMNS[:4]}, 0.06),
    "test-set-stopping": ({}, 0.01),
    "one-model-scores-all-folds": ({}, 0.20),
    "controls-included": ({"controls": N_CONTROLS, "columns": COLUMNS[:3]}, 0.06),
    "control-time-zero": (
        {"controls": N_CONTROLS, "columns": (COLUMNS[1], "time_since_stroke")},
        0.03,
    ),
}


def test_every_flaw_has_its_scene():
    assert set(SCENES) == set(FLAWS)


@pytest.mark.parametrize("name", SCENES)
def test_where_there_is_nothing_to_find_only_the_flawed_protocol_finds_something(name):
    scene, margin = SCENES[name]
    plans = [noise(seed, **scene) for seed in range(COHORTS)]

    right = np.mean([auc(plan) for plan in plans])
    flawed = np.mean([auc(FLAWS[name](plan)) for plan in plans])

    assert abs(right - 0.5) < CHANCE
    assert flawed > max(0.5, right) + margin


def reason(name, plan):
    found = FLAWS[name](plan)
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize(
    ("name", "scene", "why"),
    [
        ("scan-folds", {}, "one scan"),
        ("window-folds", {"sessions": 2}, "no windows"),
        ("controls-included", {}, "nobody is healthy"),
        ("control-time-zero", {"controls": 3}, "does not read the time"),
        ("selection-before-split", {"columns": COLUMNS[:3]}, "reads 3 columns"),
        ("choice-on-test", {"columns": COLUMNS[:1]}, "one kind of input"),
        ("best-of-trainings", {"model": NearestMean()}, "trained once"),
        ("test-set-stopping", {"model": NearestMean()}, "neither epochs nor a penalty"),
    ],
)
def test_a_flaw_that_cannot_be_made_says_why(name, scene, why):
    assert why in reason(name, noise(0, **scene))


@pytest.mark.parametrize("name", ["scan-folds", "window-folds", "augmented-before-split"])
def test_where_sites_are_tested_whole_no_unit_can_be_on_both_sides(name):
    plan = replace(noise(0, sessions=2, windows=2), deal=None)

    assert "sites are tested whole" in reason(name, plan)


class Network(NearestMean):
    """A model that is trained in epochs, from a seed."""

    def __init__(self, epochs=8, random_state=0, checkpoints=None):
        self.epochs = epochs
        self.random_state = random_state
        self.checkpoints = checkpoints


def test_ten_networks_are_for_the_user_to_ask_for():
    assert "trained once" in reason("best-of-trainings", noise(0, model=Network()))


def test_trainings_of_other_lengths_are_kept_too():
    stopped = FLAWS["test-set-stopping"](noise(0, model=Network(checkpoints="kept")))

    lengths = {model.epochs: model.checkpoints for model in stopped.models}
    assert lengths == dict.fromkeys((2, 4, 6, 8), "kept")


def test_scores_have_no_classes_to_balance():
    assert "no classes" in reason("augmented-before-split", replace(noise(0), task="regression"))


def test_a_flaw_changes_nothing_else():
    plan = noise(0, sessions=2)
    for name, flaw in FLAWS.items():
        changed = flaw(plan)
        if not isinstance(changed, str):
            assert changed.task == plan.task, name
            assert len(changed.splits.groupby(["repeat", "fold"])) == 3
    assert "copy" not in "".join(plan.samples.participants)


def test_folds_of_scans_put_people_on_both_sides_and_keep_windows_together():
    plan = noise(0, sessions=2, windows=3)
    scans = FLAWS["scan-folds"](plan)

    people = scans.splits.assign(person=scans.splits["participant_id"].str.split().str[0])
    assert people.groupby("person")["fold"].nunique().max() == 2
    assert len(scans.truth) == 2 * N_PATIENTS
    assert len(FLAWS["window-folds"](plan).truth) == 6 * N_PATIENTS


def test_copies_make_classes_equal_and_are_those_of_the_smaller_class():
    plan = noise(0, sessions=2)
    changed = FLAWS["augmented-before-split"](plan)

    assert changed.truth.mean() == 0.5
    copies = changed.truth[changed.truth.index.str.contains("copy")]
    assert (copies == 1).all()
    first = copies.index[0]
    np.testing.assert_array_equal(
        changed.samples.table.loc[changed.samples.participants == first, list(COLUMNS)],
        plan.samples.table.loc[plan.samples.participants == first.split()[0], list(COLUMNS)],
    )


def test_models_of_the_catalog_can_be_given_every_choice():
    plan = noise(0, model=TableClassifier(columns=COLUMNS[:10]), columns=COLUMNS[:10])
    for name in ("selection-before-split", "choice-on-test", "test-set-stopping"):
        changed = FLAWS[name](plan)
        settings = {str(model.get_params()) for model in changed.models}
        assert len(settings) == {"selection-before-split": 1, "choice-on-test": 11}.get(name, 7)


@pytest.fixture
def maps():
    """Two maps of 40 people; the first voxel of the first follows the class."""
    plan = noise(0)
    store = VolumeStore.empty(N_PATIENTS, ("fa", "gm"), Grid((4, 4, 4), np.diag([2, 2, 2, 1.0])))
    rng = np.random.default_rng(0)
    for person in range(N_PATIENTS):
        for name in store.maps:
            values = rng.normal(size=(4, 4, 4))
            values[0, 0, 0] += 9 * plan.y[person] * (name == "fa")
            store.put(person, name, nib.Nifti1Image(values, store.grid.affine))
    samples = replace(plan.samples, volumes=store.volumes())
    mask = np.ones((4, 4, 4), dtype=bool)
    mask[3] = False
    model = KernelClassifier(mask=mask)
    return replace(plan, samples=samples, columns=(), variants=(((model,),),))


def test_voxels_are_selected_where_they_go_with_the_outcome(maps):
    (model,) = FLAWS["selection-before-split"](maps).models

    assert model.mask[0, 0, 0]
    assert model.mask.sum() == round(0.05 * 48)
    assert not model.mask[3].any()


def test_ensembles_of_maps_are_all_single_maps_pairs_and_the_whole(maps):
    changed = FLAWS["choice-on-test"](maps)

    read = [tuple(model.maps for model in variant[0]) for variant in changed.variants]
    assert read == [((),), (("fa",),), (("gm",),), (("fa",), ("gm",))]
    fits = Fits()
    own = [auc(replace(changed, variants=(variant,)), fits) for variant in changed.variants]
    assert auc(changed, fits) == max(own) > min(own)


def test_the_kernel_machine_stops_at_the_penalty_that_suits_each_test_set(maps):
    """By hand: each test set is predicted with every penalty, and the best AUC is taken."""
    noise_only = np.random.default_rng(5).permutation(N_PATIENTS)
    nothing = replace(maps, samples=replace(maps.samples, volumes=maps.samples.volumes[noise_only]))
    changed = FLAWS["test-set-stopping"](nothing)
    (candidates,) = changed.variants

    best = pairs = 0.0
    for _, test in nothing.splits.groupby("fold"):
        one = replace(nothing, splits=test)
        own = [auc(replace(one, variants=((candidate,),))) for candidate in candidates]
        poor = nothing.truth[test["participant_id"]].sum()
        best += max(own) * poor * (len(test) - poor)
        pairs += poor * (len(test) - poor)
    found = auc(changed)
    assert found == pytest.approx(best / pairs)
    assert found > auc(nothing)
