"""Networks that learn from windows and answer for people."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.evaluation.crossvalidation import cross_validate
from motor_bids_app.evaluation.flawed import FLAWS
from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.protocols import Fits, Plan, out_of_fold
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.explanation.checks import deletion_area
from motor_bids_app.features.connectivity import sliding_windows
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS, SeriesWindows
from motor_bids_app.levels.group.explanation.windows import windows_deletion, windows_map
from motor_bids_app.models.instances.windowed import WindowClassifier, WindowRegressor
from motor_bids_app.models.opened.windows import open_windows
from motor_bids_app.models.store import load_bundle, save_bundle
from motor_bids_app.spaces.grids import Grid

GRID = Grid((6, 6, 6), np.eye(4))
N_PEOPLE, N_VOLUMES, LENGTH = 24, 30, 10
SMALL = {
    "widths": (4, 8),
    "convolutions": (1, 1),
    "hidden": 16,
    "dropout": 0.0,
    "batch_size": 32,
    "windows": 6,
    "epochs": 12,
    "learning_rate": 1e-2,
}
PLANTED = (slice(1, 4),) * 3


class Kept(SeriesWindows):
    """Maps are made once, and not in every epoch: that they are right is for other tests."""

    def read(self, scan, numbers):
        return all_windows(self, scan)[numbers]


@lru_cache(maxsize=200)
def all_windows(source, scan):
    return SeriesWindows.read(source, scan, np.arange(source.counts[scan]))


def make_samples(effect, seed=0, without=()):
    """People whose connectivity has an own pattern each, and in one half of them `effect` more.

    Neighbouring windows share most volumes, as in real series.
    """
    rng = np.random.default_rng(seed)
    poor = np.arange(N_PEOPLE) % 2
    signals, seeds, weights = [], [], []
    for person in range(N_PEOPLE):
        if person in without:
            signals.append(np.zeros((0, 6**3), np.float16))
            seeds.append(np.zeros(0))
            weights.append(np.zeros((0, 0)))
            continue
        course = rng.normal(size=N_VOLUMES)
        pattern = gaussian_filter(rng.normal(size=GRID.shape), 1)
        pattern = 0.5 * pattern / pattern.std()
        pattern[PLANTED] += effect * poor[person]
        noise = gaussian_filter(rng.normal(size=(N_VOLUMES, *GRID.shape)), (0, 1, 1, 1))
        series = pattern * course[:, None, None, None] + noise / noise.std()
        series = (series - series.mean(axis=0)) / series.std(axis=0)
        signals.append(series.reshape(N_VOLUMES, -1).astype(np.float16))
        seeds.append(course)
        weights.append(sliding_windows(N_VOLUMES, LENGTH))
    source = Kept(signals, seeds, weights, [2.0] * N_PEOPLE, np.ones(GRID.shape, bool), GRID)
    table = pd.DataFrame(
        {"participant_id": [f"sub-{i:02d}" for i in range(N_PEOPLE)], "group": "patient"}
    )
    return Samples(table, instances={WINDOWS: Instances.of(source)}), poor


@pytest.fixture(scope="module")
def telling():
    torch.set_num_threads(1)
    samples, poor = make_samples(effect=1.5, without=(23,))
    return samples, poor, WindowClassifier(**SMALL).fit(samples[:16], poor[:16])


def test_people_are_told_apart_by_their_windows(telling):
    samples, poor, model = telling

    probability = model.predict_proba(samples[16:23])[:, 1]

    assert probability[poor[16:23] == 1].min() > probability[poor[16:23] == 0].max()


def test_a_person_is_given_the_mean_over_the_own_windows(telling):
    samples, _, model = telling
    apart, rows = samples[[17, 20]].apart(WINDOWS, SMALL["windows"])

    single = model.predict_proba(apart)[:, 1]

    expected = [single[rows == row].mean() for row in (0, 1)]
    np.testing.assert_allclose(model.predict_proba(samples[[17, 20]])[:, 1], expected, rtol=1e-5)


def test_somebody_without_a_window_is_given_what_an_average_map_is(telling):
    samples, _, model = telling

    given = model.predict_proba(samples[[23]])[0]

    network = model.network_.eval()
    with torch.inference_mode():
        logits = network(torch.zeros(1, 1, *GRID.shape), torch.zeros(1, 3))[0]
    np.testing.assert_allclose(given, torch.softmax(logits, 0).numpy(), rtol=1e-5)


def test_a_saved_model_predicts_the_same(telling, tmp_path):
    samples, _, model = telling
    save_bundle(tmp_path, model, {})

    loaded, _ = load_bundle(tmp_path)

    np.testing.assert_allclose(
        loaded.predict_proba(samples[16:]), model.predict_proba(samples[16:]), rtol=1e-6
    )


def test_an_opened_network_gives_the_log_odds_of_each_window(telling):
    samples, _, model = telling
    network = open_windows(model)
    apart, _ = samples[[17]].apart(WINDOWS, SMALL["windows"])

    with torch.inference_mode():
        parts = [network.module(*given) for given in network.inputs(samples[[17]], 6)]

    given = expit(torch.cat(parts).numpy())
    np.testing.assert_allclose(given, model.predict_proba(apart)[:, 1], atol=1e-5)


def test_places_of_the_layer_stand_for_the_voxels_pooled_into_them(telling):
    network = open_windows(telling[2])
    stride, first = network.places
    voxels = torch.arange(GRID.shape[0], dtype=torch.float32)[:, None, None].expand(GRID.shape)
    shown = []
    hook = network.stage.register_forward_hook(lambda module, given, made: shown.append(made))
    network.module(torch.zeros(1, 1, *GRID.shape), torch.zeros(1, 1))
    hook.remove()

    low, high = (
        sign * torch.nn.functional.max_pool3d(sign * voxels[None], stride)[0, :, 0, 0]
        for sign in (-1, 1)
    )
    assert shown[0].shape[2] == len(low)
    np.testing.assert_allclose((low + high) / 2, first + stride * np.arange(len(low)))


def test_integrated_gradients_point_at_what_differs_and_add_up(telling):
    pytest.importorskip("captum")
    samples, _, model = telling
    network, inside = open_windows(model), np.zeros(GRID.shape, dtype=bool)
    inside[PLANTED] = True
    total = np.zeros(GRID.shape)

    for row in range(16, 23):
        values, effect, errors = windows_map(network, samples[[row]], "integrated_gradients")
        total += values if effect >= 0 else -values
        assert values.sum() == pytest.approx(effect, abs=0.1 * abs(effect) + 0.05)
        assert len(errors) == 8  # of 21 windows

    assert total[inside].mean() > 5 * np.abs(total[~inside]).mean()


def test_deleting_what_the_map_of_a_person_shows_takes_the_output_away_sooner_than_at_random(
    telling,
):
    pytest.importorskip("captum")
    samples, poor, model = telling
    network, mask = open_windows(model), np.ones(GRID.shape, dtype=bool)
    values, effect, _ = windows_map(network, samples[[17]], "integrated_gradients")

    random = np.random.default_rng(0)
    drops, by_chance = windows_deletion(network, samples[[17]], values, mask, random)

    assert poor[17] == 1
    assert drops[0] == by_chance[0] == pytest.approx(effect, rel=1e-4)
    assert drops[-1] == 0
    assert deletion_area([drops]) < deletion_area([by_chance]) - 0.1


def test_gradcam_is_highest_where_the_network_found_the_difference(telling):
    pytest.importorskip("captum")
    samples, poor, model = telling
    values, _, _ = windows_map(open_windows(model), samples[[17]], "gradcam")

    highest = np.array(np.unravel_index(values.argmax(), GRID.shape))
    assert poor[17] == 1
    assert np.abs(highest - 2).max() <= 2  # within one place of the middle of what was planted


def test_scores_are_predicted_in_their_units():
    samples, poor = make_samples(effect=1.5)
    score = 60.0 - 40 * poor
    model = WindowRegressor(**SMALL).fit(samples[:16], score[:16])

    found = model.predict(samples[16:])

    assert np.corrcoef(found, score[16:])[0, 1] > 0.8
    assert 15 < found.mean() < 65


def test_somebody_without_a_window_has_a_score_within_its_range_too():
    samples, poor = make_samples(effect=1.5, without=(23,))
    model = WindowRegressor(**SMALL | {"epochs": 2}, bounds=(0.0, 66.0))
    model.fit(samples[:16], 60.0 - 40 * poor[:16])

    given = model.predict(samples[[23]])

    with torch.inference_mode():
        output = model.network_.eval()(torch.zeros(1, 1, *GRID.shape), torch.zeros(1, 3))[0, 0]
    np.testing.assert_allclose(given, 66 * expit(float(output) + model.centre_), rtol=1e-5)


def test_nothing_to_learn_from_is_explained():
    samples, poor = make_samples(effect=1.0, without=range(N_PEOPLE))
    with pytest.raises(DataError, match="none of its training people has any"):
        WindowClassifier(**SMALL).fit(samples, poor)


def test_widths_and_convolutions_of_other_blocks_are_refused():
    samples, poor = make_samples(effect=1.0)
    with pytest.raises(UsageError, match="2 blocks and convolutions 3"):
        WindowClassifier(**{**SMALL, "convolutions": (1, 1, 1)}).fit(samples, poor)


def test_window_folds_look_good_where_there_is_nothing_to_find_and_folds_of_people_do_not():
    """The paper's 99.8 %: its windows were split, not its people."""
    torch.set_num_threads(1)
    samples, poor = make_samples(effect=0.0, seed=3)
    truth = pd.Series(poor.astype(float), index=samples.participants)

    def deal(truth, controls):
        return make_splits(list(truth.index), truth.to_numpy().astype(int), folds=3, repeats=1)

    plan = Plan(
        samples=samples,
        y=poor,
        truth=truth,
        splits=deal(truth, None),
        deal=deal,
        variants=(((WindowClassifier(**SMALL | {"epochs": 20}),),),),
        task="classification",
    )

    def auc(plan):
        predictions = out_of_fold(plan, Fits(), "roc_auc")
        return len(predictions.truth), float(classification_metrics(predictions)["roc_auc"][0])

    people, by_person = auc(plan)
    windows, by_window = auc(FLAWS["window-folds"](plan))

    assert (people, windows) == (N_PEOPLE, N_PEOPLE * SMALL["windows"])
    assert by_window > 0.9
    assert 0.2 < by_person < 0.8  # 24 people: the 95 % interval of chance is 0.26 to 0.74


def test_windows_of_a_tested_person_are_never_learned_from():
    samples, poor = make_samples(effect=0.0)
    splits = make_splits(list(samples.participants), poor, folds=4, repeats=1)
    seen = []

    class Spy(WindowClassifier):
        def fit(self, X, y):
            seen.append(set(X.apart(WINDOWS)[0].participants))
            return super().fit(X, y)

    found = cross_validate([Spy(**SMALL | {"epochs": 1})], samples, poor, splits)

    for people, (_, part) in zip(seen, splits.groupby("fold"), strict=True):
        assert people == set(samples.participants) - set(part["participant_id"])
    assert len(found) == N_PEOPLE
