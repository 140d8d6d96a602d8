import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from motor_bids_app.evaluation.domain import (
    ALPHA,
    MIN_PEOPLE,
    Domain,
    Spread,
    learn_domain,
    map_levels,
)
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.spaces.grids import Grid


@pytest.mark.parametrize(("n", "n_quantities"), [(8, 1), (30, 1), (30, 4)])
def test_one_in_a_hundred_people_like_those_of_training_is_outside(n, n_quantities):
    """Simulated truth: the share of normal newcomers outside any of the quantities."""
    rng = np.random.default_rng(n)
    repeats, outside = 4000, 0
    for _ in range(repeats):
        training, new = rng.normal(50, 9, (n, n_quantities)), rng.normal(50, 9, n_quantities)
        distances = [
            Spread.of(column).distance(value, n_quantities)
            for column, value in zip(training.T, new, strict=True)
        ]
        outside += max(distances) > 1
    low, high = stats.binomtest(outside, repeats).proportion_ci(0.999)

    assert low < ALPHA < high


def test_skewed_amounts_are_judged_by_their_logarithm():
    volumes = np.random.default_rng(1).lognormal(2, 1, 200)
    spread = Spread.of(volumes, logarithmic=True)

    low, high = spread.limits()
    assert 0 <= low < volumes.min() * 2
    assert spread.distance(high) == pytest.approx(1)
    assert spread.distance(10 * high) > 1 > spread.distance(float(np.median(volumes)))


def test_few_people_and_constants_have_no_spread():
    assert Spread.of(np.arange(MIN_PEOPLE - 1)) is None
    assert Spread.of(np.ones(50)) is None
    assert Spread.of([np.nan] * 50) is None


def make_domain():
    rng = np.random.default_rng(0)
    facts = pd.DataFrame({"age": rng.normal(60, 10, 40)})
    levels = pd.DataFrame({"fa mean": rng.normal(0.4, 0.02, 40)})
    return learn_domain(facts, pd.DataFrame(index=range(40)), levels, ["Rome", "Oslo", "Rome"])


def test_the_farthest_finding_comes_first_and_missing_values_are_not_judged():
    values = {"age": {"age": 120.0}, "maps": {"fa mean": 40.0}}

    found = make_domain().findings(values, "Rome")
    assert [finding.quantity for finding in found] == ["fa mean", "age"]
    assert make_domain().findings({"age": {"age": np.nan}}, None) == ()


def test_a_site_is_outside_only_if_it_was_never_seen():
    assert make_domain().findings({}, "Oslo") == ()
    (finding,) = make_domain().findings({}, "Paris")
    assert (finding.quantity, finding.distance) == ("site", 1)


def test_a_domain_survives_json():
    domain = make_domain()

    again = Domain.from_json(json.loads(json.dumps(domain.to_json())))
    assert again == domain


def test_levels_of_maps_are_those_of_their_voxels():
    grid = Grid((4, 4, 4), np.eye(4))
    store = VolumeStore.empty(3, ("fa", "lesion"), grid)
    store.data[:] = np.random.default_rng(2).uniform(size=store.data.shape)
    store.present[:] = [[True, True], [True, True], [False, True]]
    mask = np.zeros(grid.shape, dtype=bool)
    mask[1:3] = True

    levels = map_levels(store.volumes(), mask)
    inside = store.data[:, 0, mask].astype(float)
    assert list(levels) == ["fa mean", "fa spread"]
    np.testing.assert_allclose(levels["fa mean"][:2], inside[:2].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(levels["fa spread"][:2], inside[:2].std(axis=1), rtol=1e-4)
    assert levels.iloc[2].isna().all()


def test_the_distance_that_is_told_does_not_tell_an_age_above_89():
    domain = Domain({"age": {"age": Spread.of(np.linspace(45.0, 75.0, 40))}})
    (older,), (old,) = (domain.findings({"age": {"age": age}}, None) for age in (99.0, 91.5))

    assert (older.text, older.told) == (old.text, old.told)
    assert older.distance > old.distance == pytest.approx(old.told, rel=0.1)
