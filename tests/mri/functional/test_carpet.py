import numpy as np
import pytest

from motor_bids_app.mri.functional.carpet import KINDS, make_carpet, tissue_kinds


def test_rows_are_ordered_grey_white_fluid_and_the_rest():
    kinds = np.array([0, 3, 2, 1] * 5, dtype=np.uint8)
    signals = np.random.default_rng(1).normal(100, 1, (30, 20)).astype(np.float32)

    carpet = make_carpet(signals, kinds)

    names = [KINDS[code] for code in dict.fromkeys(carpet.kinds)]
    assert names == ["grey matter", "white matter", "fluid", "other"]


def test_drift_and_scale_of_a_voxel_do_not_show():
    noise = np.random.default_rng(2).normal(0, 1, 40)
    line = np.linspace(0, 50, 40)
    signals = np.stack([100 + noise, 900 + 7 * noise + line], axis=1).astype(np.float32)

    scores = make_carpet(signals, np.ones(2, dtype=np.uint8)).scores

    np.testing.assert_allclose(scores[0], scores[1], atol=1e-3)
    assert scores.std(axis=1) == pytest.approx(1, abs=1e-3)


def test_a_voxel_that_does_not_vary_is_flat():
    constant = np.full((10, 1), 1234.5, dtype=np.float32)

    assert not make_carpet(constant, np.zeros(1, dtype=np.uint8)).scores.any()


def test_many_voxels_are_thinned_in_proportion():
    kinds = np.repeat(np.array([1, 2], dtype=np.uint8), [30_000, 10_000])
    signals = np.random.default_rng(3).normal(100, 1, (5, 40_000)).astype(np.float32)

    carpet = make_carpet(signals, kinds)

    assert len(carpet.kinds) < 400
    assert (carpet.kinds == 1).mean() == pytest.approx(0.75, abs=0.01)


def test_the_lesion_and_mixed_voxels_are_no_tissue():
    grey, white, fluid = np.array([0.9, 0.9, 0.4]), np.array([0, 0, 0.4]), np.array([0, 0, 0.2])
    lesion = np.array([False, True, False])

    assert tissue_kinds(grey, white, fluid, lesion).tolist() == [1, 0, 0]
