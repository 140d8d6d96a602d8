"""ComBat: what a library gives, and what must hold whatever the data."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.features.columns import REGIONAL
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import TableClassifier, TableRegressor
from motor_bids_app.models.tables.columns import OWN
from motor_bids_app.models.tables.harmonisation import ComBat
from motor_bids_app.models.tables.own import BlockClassifier, BlockRegressor

SITES = np.array(list("aaaabbbbbccc"), dtype=object)
COVARIATES = np.column_stack([50 + 3.0 * ((7 * np.arange(12)) % 11), np.arange(12) % 2])
# What neuroCombat 0.2.12 gives for the values below, with age and sex kept.
NEUROCOMBAT = [
    [1.7654, 1.1673, 3.1095, 3.8707],
    [0.1824, 2.0129, 1.7985, 2.5303],
    [1.7954, 1.3336, 3.9651, 4.9274],
    [0.6514, 2.7037, 2.4095, 3.43],
    [1.1975, 0.1227, 3.6458, 4.3707],
    [0.3158, 3.0638, 0.897, 1.8443],
    [1.0776, 0.3893, 4.3979, 5.3198],
    [0.9496, 3.6921, 1.7943, 3.0312],
    [1.0273, 0.9601, 4.989, 6.1508],
    [0.9483, 2.651, 1.6987, 2.6402],
    [0.5914, 0.8639, 3.4638, 4.3017],
    [1.381, 3.0038, 2.4419, 3.6234],
]


def closed_form():
    """12 scans with 4 features, which anybody can make again."""
    scan, feature = np.meshgrid(np.arange(12), np.arange(4), indexing="ij")
    values = np.sin(1 + 3 * scan + 5 * feature**2) + 0.1 * scan * (feature + 1)
    values[4:9] = 1.7 * values[4:9] + 0.5 * (1 + np.arange(4))
    return values


def harmonised(values, sites=SITES, covariates=COVARIATES):
    return ComBat().fit(values, sites, covariates).transform(values, sites, covariates)


def test_it_gives_what_neurocombat_gives():
    np.testing.assert_allclose(harmonised(closed_form()), NEUROCOMBAT, atol=1e-4)


def test_shifts_and_scales_of_scanners_are_removed_and_the_effect_of_age_stays():
    rng = np.random.default_rng(0)
    n, n_features = 300, 20
    sites = np.array(["a", "b", "c"], dtype=object)[rng.integers(0, 3, n)]
    age = rng.normal(60 + 8 * (sites == "b"), 10)  # older people at one site
    covariates = np.column_stack([age, rng.integers(0, 2, n)])
    truth = 0.05 * age[:, None] + rng.normal(size=(n, n_features))
    scanner = {"a": (0, 1), "b": (3, 2), "c": (-1, 0.5)}
    shift, scale = np.array([scanner[s] for s in sites]).T
    noise = truth - 0.05 * age[:, None]
    seen = 0.05 * age[:, None] + scale[:, None] * noise + shift[:, None]

    alike = harmonised(seen, sites, covariates)

    left = alike - 0.05 * age[:, None]
    means = np.array([left[sites == s].mean(axis=0) for s in "abc"])
    spreads = np.array([left[sites == s].std(axis=0) for s in "abc"])
    assert np.ptp(means, axis=0).max() < 0.5  # was 4
    assert (spreads.max(axis=0) / spreads.min(axis=0)).max() < 1.2  # was 4
    slopes = np.polyfit(age, alike, 1)[0]
    assert np.abs(slopes - 0.05).max() < 0.03


def test_units_of_a_feature_change_nothing():
    values = closed_form()
    factor, offset = np.array([1e-3, 1, 50, 7]), np.array([3, 0, -100, 0.1])
    np.testing.assert_allclose(
        harmonised(values * factor + offset), harmonised(values) * factor + offset, rtol=1e-6
    )


def test_names_of_sites_and_order_of_scans_change_nothing():
    values, order = closed_form(), np.random.default_rng(1).permutation(12)
    renamed = np.array([{"a": "z", "b": "k", "c": "q"}[s] for s in SITES], dtype=object)
    again = harmonised(values[order], renamed[order], COVARIATES[order])
    np.testing.assert_allclose(again, harmonised(values)[order], atol=1e-6)


@pytest.mark.parametrize("site", ["elsewhere", ""], ids=["another site", "no site named"])
def test_scans_of_an_unseen_site_stay_as_they_are(site):
    values = closed_form()
    unseen = np.full(12, site, dtype=object)
    fitted = ComBat().fit(values, SITES, COVARIATES)
    np.testing.assert_array_equal(fitted.transform(values, unseen, COVARIATES), values)


def test_a_site_of_two_scans_is_unseen_and_moves_nobody_else():
    values = closed_form()
    few = np.array([*SITES, "d", "d"], dtype=object)
    more = np.vstack([values, values[:2] + 100])
    covariates = np.vstack([COVARIATES, COVARIATES[:2]])
    alike = harmonised(more, few, covariates)
    np.testing.assert_array_equal(alike[12:], more[12:])
    np.testing.assert_allclose(alike[:12], harmonised(values), atol=1e-9)


def test_one_site_is_left_as_it_is():
    values = closed_form()
    np.testing.assert_array_equal(harmonised(values, np.full(12, "a", dtype=object)), values)


def test_missing_values_stay_missing_and_constant_columns_constant():
    values = closed_form()
    values[2, 1] = np.nan
    values[9:, 3] = np.nan  # a site without this feature
    values = np.column_stack([values, np.full(12, 7.0), np.full(12, np.nan)])

    alike = harmonised(values)

    np.testing.assert_array_equal(np.isnan(alike), np.isnan(values))
    np.testing.assert_allclose(alike[:, 4], 7)


def regional_cohort():
    """60 people whose regional values move by site, and by the outcome within sites."""
    rng = np.random.default_rng(3)
    y = np.arange(60) % 2
    site = np.array(["a", "b"])[np.arange(60) // 30]
    values = rng.normal(size=(60, 6)) + 1.5 * y[:, None] + 20 * (site == "b")[:, None]
    table = pd.DataFrame(values, columns=[f"fa_r{k}_left" for k in range(6)])
    extra = {"participant_id": [f"sub-{k}" for k in range(60)], "site": site}
    return Samples(table.assign(**extra, age=60.0, sex=0)), y


@pytest.mark.parametrize("kind", [BlockClassifier, BlockRegressor])
def test_a_model_with_own_predictors_sees_harmonised_features(kind):
    samples, y = regional_cohort()
    names = [f"fa_thalamus_{side}" for side in ("left", "right", "asymmetry")]
    score = np.random.default_rng(0).normal(size=60)
    old = samples.table
    columns = dict(zip(names, old.iloc[:, :3].to_numpy().T, strict=True))
    given = Samples(old.iloc[:, 6:].assign(**columns, own_score=score))
    model = kind(columns=("age",), pattern=f"{OWN}|{REGIONAL}", harmonise="combat").fit(given, y)

    seen = dict(zip(model.columns_, model._features(given).T, strict=True))
    sites = given.table["site"] == "b"
    for name in names:
        raw = given.table[name]
        assert raw[sites].mean() - raw[~sites].mean() > 15
        assert abs(seen[name][sites].mean() - seen[name][~sites].mean()) < 1
    np.testing.assert_array_equal(seen["own_score"], score)
    again = kind(columns=("age",), pattern=f"{OWN}|{REGIONAL}", harmonise="combat")
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.decision_function(given), model.decision_function(given))


@pytest.mark.parametrize("kind", [TableClassifier, TableRegressor])
def test_a_model_of_harmonised_features_does_not_see_the_site(kind):
    samples, y = regional_cohort()
    model = kind(pattern="fa_.+", select=True, harmonise="combat").fit(samples, y)
    moved = samples.table.assign(site="b")
    columns = [name for name in moved if name.startswith("fa_")]
    combat = model.combat_
    # The same person, scanned at b: standard value of a, with b's shift and scale.
    predicted = combat.mean_
    standard = (samples.table[columns] - predicted) / combat.spread_
    own = np.where((samples.table["site"] == "a").to_numpy()[:, None], 0, 1)
    shift, scale = combat.shift_[own[:, 0]], combat.scale_[own[:, 0]]
    moved[columns] = (
        (standard - shift) / scale * combat.scale_[1] + combat.shift_[1]
    ) * combat.spread_ + predicted

    there = (
        model.predict(Samples(moved))
        if kind is TableRegressor
        else model.predict_proba(Samples(moved))
    )
    here = model.predict(samples) if kind is TableRegressor else model.predict_proba(samples)
    np.testing.assert_allclose(there, here, atol=1e-9)


def test_test_scans_change_no_prediction_of_others():
    samples, y = regional_cohort()
    model = TableClassifier(pattern="fa_.+", harmonise="combat").fit(samples, y)
    together = model.predict_proba(samples)
    alone = np.concatenate([model.predict_proba(samples[[k]]) for k in range(60)])
    np.testing.assert_allclose(together, alone)


def test_a_saved_model_harmonises_as_before():
    samples, y = regional_cohort()
    model = TableClassifier(pattern="fa_.+", harmonise="combat").fit(samples, y)
    again = TableClassifier(pattern="fa_.+", harmonise="combat")
    again.set_state(model.get_state())
    again.classes_ = np.array([0, 1])
    np.testing.assert_array_equal(again.predict_proba(samples), model.predict_proba(samples))


def test_what_no_scanner_measured_is_not_made_alike():
    """Sites whose people differ in age keep that difference; what scanners shift goes."""
    samples, y = regional_cohort()
    older = np.where(samples.table["site"] == "a", 70.0, 50.0)
    given = Samples(samples.table.assign(age=older))
    model = TableRegressor(columns=("age",), pattern="fa_.+", harmonise="combat").fit(given, y)

    features = model._features(given)
    age = [name == "age" for name in model.columns_]
    np.testing.assert_array_equal(features[:, age].ravel(), older)
    alone = TableRegressor(pattern="fa_.+", harmonise="combat").fit(given, y)
    np.testing.assert_allclose(features[:, np.logical_not(age)], alone._features(given))
