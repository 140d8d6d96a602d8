"""Checks of maps on cases with known answers."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from motor_bids_app.explanation.checks import (
    correlation,
    deletion_area,
    deletion_drops,
    deletion_of_instances,
    inside_auc,
    most_alike,
    rank_correlation,
    shares,
    stability,
)

SHAPE = (2, 5, 5, 5)
MASK = np.ones(SHAPE[1:], dtype=bool)


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_ranks_ignore_signs_and_size(random):
    values = random.normal(size=SHAPE)
    assert rank_correlation(values, -(np.abs(values) ** 3)) == pytest.approx(1)


def test_unrelated_maps_do_not_correlate(random):
    assert abs(rank_correlation(*random.normal(size=(2, 40, 40, 10)))) < 0.03


def test_a_map_that_does_not_vary_correlates_with_nothing(random):
    assert correlation(random.normal(size=SHAPE), np.ones(SHAPE)) == 0


def test_stability_is_the_mean_over_pairs(random):
    a, b = random.normal(size=(2, 1000))
    expected = (np.corrcoef(a, b)[0, 1] * 2 + 1) / 3
    assert stability([a, a, b]) == pytest.approx(expected)
    with pytest.raises(ValueError, match="two models"):
        stability([a])


def test_deleting_by_the_true_contributions_is_faster_than_at_random_and_than_backwards(random):
    weights = random.normal(size=SHAPE)
    inputs = random.normal(size=SHAPE).astype(np.float32)

    def output(x):
        return (x * weights).sum(axis=(1, 2, 3, 4)) + 3

    def areas(attribution):
        given, shuffled = deletion_drops(output, inputs, attribution, MASK, random)
        return deletion_area([given]), deletion_area([shuffled])

    found, by_chance = areas(inputs * weights)
    backwards, _ = areas(-inputs * weights)
    assert found < by_chance < backwards


def test_deletion_starts_at_the_effect_and_ends_at_none(random):
    inputs = np.ones(SHAPE, dtype=np.float32)
    given, _ = deletion_drops(lambda x: -x.sum(axis=(1, 2, 3, 4)), inputs, -inputs, MASK, random)
    np.testing.assert_allclose(given, np.linspace(inputs.size, 0, len(given)), rtol=0.01)
    assert deletion_area([given]) == pytest.approx(0.5, abs=0.01)


def test_deletion_of_windows_starts_at_their_mean_and_goes_by_what_they_say(random):
    weights = random.normal(size=SHAPE[1:])
    windows = random.normal(size=(6, *SHAPE[1:])).astype(np.float32)

    def output(x):  # of each window alone, however many come together
        return (x * weights).sum(axis=(1, 2, 3)) + 3

    def curves(attribution):
        return deletion_of_instances(output, windows, attribution, MASK, random)

    found, by_chance = curves(windows * weights)
    backwards, _ = curves(-windows * weights)

    assert found[0] == by_chance[0] == pytest.approx(abs(output(windows).mean() - 3))
    assert found[-1] == 0
    assert deletion_area([found]) < deletion_area([by_chance]) < deletion_area([backwards])


def test_an_even_map_has_the_share_of_the_volume(random):
    region, mask = random.random(SHAPE[1:]) < 0.3, random.random(SHAPE[1:]) < 0.8
    found = shares(np.full(SHAPE, -2.0), mask, {"here": region, "nowhere": ~mask})
    assert list(found) == ["here"]
    share, volume = found["here"]
    assert share == pytest.approx(volume)
    assert volume == pytest.approx((region & mask).sum() / mask.sum())


def test_auc_of_places_is_that_of_scikit_learn(random):
    values, region = random.normal(size=SHAPE), random.random(SHAPE[1:]) < 0.3
    values[:, region] *= 2
    expected = roc_auc_score(region.ravel(), np.abs(values).sum(axis=0).ravel())
    assert inside_auc(values, MASK, region) == pytest.approx(expected)


def test_products_of_the_same_inputs_with_unrelated_gradients_are_no_warning():
    """They are alike by their common factor, from where other methods are warned of."""
    inputs, own, other = np.random.default_rng(0).normal(size=(3, 20_000))
    alike = rank_correlation(inputs * own, inputs * other)
    assert abs(rank_correlation(own, other)) < 0.05
    assert 0.4 < alike < most_alike("integrated_gradients") - 0.15
