"""ComBat of maps: what `ComBat` makes of their voxels, and models that no longer see the site."""

import numpy as np
import pytest

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.models.catalog import build_model
from motor_bids_app.models.store import load_bundle, save_bundle
from motor_bids_app.models.tables.harmonisation import ComBat, kept_covariates, sites_of
from motor_bids_app.models.tables.harmonised_maps import MapComBat
from motor_bids_app.models.tables.products import linear_products

from ..conftest import seen_by, tiny

OF_MAPS = ("kernel", "kernel_demographics", "own_kernel", "karakis2023", "cbam2025")
MASK = np.indices((10, 12, 10)).sum(axis=0) % 3 > 0


@pytest.fixture
def two_sites(samples):
    """The cohort, with a scanner at b that adds 0.2 to FA and doubles what deviates from 0.4."""
    site = np.where(np.arange(len(samples)) % 2, "b", "a")
    old = samples.volumes.store
    data = old.data.astype(np.float32)
    data[site == "b", 0] = 0.4 + 2 * (data[site == "b", 0] - 0.4) + 0.2
    store = VolumeStore(data.astype(np.float16), old.maps, old.grid, old.present.copy())
    own = np.random.default_rng(2).normal(size=len(samples))
    table = samples.table.assign(site=site, own_score=own)
    return Samples(table, store.volumes(), samples.instances)


def flat(volumes, column=0):
    return volumes.read(columns=[column]).reshape(len(volumes), -1)


@pytest.mark.parametrize("mask", [None, MASK], ids=["everywhere", "in a mask"])
def test_every_voxel_is_a_feature_of_combat(two_sites, mask):
    fitting = two_sites[np.arange(24)]
    inside = slice(None) if mask is None else mask.ravel()
    sites, covariates = sites_of(fitting), kept_covariates(fitting)
    values = flat(fitting.volumes).astype(np.float64)
    combat = ComBat().fit(values[:, inside], sites, covariates)

    seen = flat(MapComBat().fit(fitting, ("fa", "gm"), mask).transform(two_sites))

    expected = flat(two_sites.volumes).astype(np.float64)
    expected[:, inside] = combat.transform(
        expected[:, inside], sites_of(two_sites), kept_covariates(two_sites)
    )
    np.testing.assert_allclose(seen, expected, atol=1e-5)


def test_the_shift_and_scale_of_a_scanner_go(two_sites):
    volumes = MapComBat().fit(two_sites, ("fa", "gm")).transform(two_sites)
    at_b = (two_sites.table["site"] == "b").to_numpy()

    for values, shift, scale in ((flat(two_sites.volumes), 0.2, 2), (flat(volumes), 0, 1)):
        means = [values[part].mean() for part in (~at_b, at_b)]
        spreads = [values[part].std(axis=0).mean() for part in (~at_b, at_b)]
        assert means[1] - means[0] == pytest.approx(shift, abs=0.02)
        assert spreads[1] / spreads[0] == pytest.approx(scale, rel=0.15)


def test_maps_read_at_once_in_blocks_and_as_products_are_the_same(two_sites):
    two_sites.volumes.store.present[5, 0] = False
    two_sites.volumes.store.data[5, 0] = 0
    some = two_sites[[3, 5, 8, 9, 20]]
    volumes = MapComBat().fit(two_sites, ("fa", "gm"), MASK).transform(some)

    values = flat(volumes)
    assert not values[1].any()  # a map that is missing
    blocks = np.hstack([block for _, block in volumes.blocks(0, MASK)])
    np.testing.assert_array_equal(blocks, values[:, MASK.ravel()])
    has = volumes.present[:, 0]
    centred = (blocks - blocks[has].mean(axis=0)) * has[:, None]
    np.testing.assert_allclose(volumes.gram(MASK)[0], centred @ centred.T, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(flat(volumes[[2, 0]]), values[[2, 0]])


def test_maps_of_a_site_that_was_not_learned_stay_as_they_are(two_sites):
    combat = MapComBat().fit(two_sites, ("fa", "gm"))
    away = Samples(two_sites.table.assign(site="c"), two_sites.volumes)
    np.testing.assert_array_equal(flat(combat.transform(away)), flat(away.volumes))


def test_drawn_lesions_are_not_harmonised(two_sites):
    store = two_sites.volumes.store
    drawn = VolumeStore(store.data, ("lesion", "gm"), store.grid, store.present)
    samples = Samples(two_sites.table, drawn.volumes())
    seen = MapComBat().fit(samples, drawn.maps).transform(samples)
    np.testing.assert_array_equal(flat(seen), flat(drawn.volumes()))


@pytest.mark.parametrize("name", OF_MAPS)
def test_a_model_predicts_the_same_of_a_brain_from_either_scanner(
    name, two_sites, outcome, predictions
):
    """What a's scanner would give of a person at b, by the inverse of what was learned."""
    params = {**tiny(name), "harmonise": "combat"}
    model = build_model(name, task="classification", maps=("fa",), params=params)
    y = outcome("classification")
    model.fit(seen_by(name, two_sites), y)
    plain = model.networks_[0][0] if hasattr(model, "networks_") else model
    change = plain.combat_._changes["fa"]
    a, b = change.sites.index("a"), change.sites.index("b")
    at_a = np.flatnonzero(two_sites.table["site"] == "a")

    moved = two_sites.volumes.store.data.astype(np.float32).reshape(len(two_sites), 2, -1)
    people = Samples(two_sites.table, two_sites.volumes)[at_a]
    alike = flat(plain.combat_.transform(people))[:, change.voxels]
    deviations = kept_covariates(people) - change.medians
    kept = (1 - change.gain[b]) * (deviations @ change.effects)
    moved[at_a[:, None], 0, change.voxels] = (alike - change.offset[b] - kept) / change.gain[b]
    store = two_sites.volumes.store
    there = VolumeStore(
        moved.reshape(store.data.shape).astype(np.float16), store.maps, store.grid, store.present
    )
    scanned_at_b = Samples(two_sites.table.assign(site="b"), there.volumes())[at_a]

    here = predictions(model, seen_by(name, two_sites[at_a]))
    assert b != a
    rest = {} if not hasattr(model, "networks_") else {"atol": 0.2}  # folds learn sites each anew
    np.testing.assert_allclose(
        predictions(model, seen_by(name, scanned_at_b)), here, **({"atol": 5e-3} | rest)
    )


@pytest.mark.parametrize("name", OF_MAPS)
def test_a_saved_model_harmonises_as_before(name, two_sites, outcome, predictions, tmp_path):
    params = {**tiny(name), "harmonise": "combat"}
    model = build_model(name, task="classification", mask=MASK, params=params)
    model.fit(seen_by(name, two_sites[np.arange(24)]), outcome("classification")[:24])
    save_bundle(tmp_path / "model", model, {})
    again, _ = load_bundle(tmp_path / "model")

    store = two_sites.volumes.store
    copy = VolumeStore(store.data.copy(), store.maps, store.grid, store.present.copy())
    new = seen_by(name, Samples(two_sites.table, copy.volumes(), two_sites.instances))
    np.testing.assert_allclose(predictions(again, new), predictions(model, new), rtol=1e-6)
    untold = Samples(new.table.drop(columns="site"), new.volumes, new.instances)
    assert not np.allclose(predictions(again, untold), predictions(again, new))


def test_ridge_on_harmonised_products_predicts_as_the_kernel_machine_does(two_sites, outcome):
    score = outcome("regression")
    fit, judged = np.arange(24), np.arange(24, 36)
    model = build_model("kernel", task="regression", params={"harmonise": "combat"})
    model.fit(two_sites[fit], score[fit])
    products, _ = linear_products("kernel", two_sites, two_sites.participants, harmonise="combat")
    within, across = products(fit, judged)
    mean = score[fit].mean()
    dual = np.linalg.solve(within + model.penalty_ * np.eye(24), score[fit] - mean)
    assert across @ dual + mean == pytest.approx(model.predict(two_sites[judged]), rel=1e-3)
