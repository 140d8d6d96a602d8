import numpy as np
import pytest

from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.unlike import find_unlike, too_many

OBLIQUE = np.full(3, 3**-0.5)


@pytest.fixture(scope="module")
def table(phantom):
    return phantom.gradients(12)


@pytest.fixture(scope="module")
def series(phantom, table):
    return phantom.with_noise(phantom.series(table), 20)


def scanner_maps(series, table):
    """What scanners derive of a series."""
    b0, weighted = series[..., table.is_b0].mean(axis=3), series[..., ~table.is_b0]
    trace = np.exp(np.log(np.maximum(weighted, 1)).mean(axis=3))
    return {"trace": trace, "adc": 1e3 * np.log(np.maximum(b0, 1) / trace)}


@pytest.mark.parametrize("place", [0, 3, 14])
@pytest.mark.parametrize("label", ["b0", "no direction", "direction"])
@pytest.mark.parametrize("name", ["trace", "adc"])
def test_a_map_of_the_scanner_is_found_whatever_is_said_of_it(
    phantom, series, table, name, label, place
):
    values = scanner_maps(series, table)[name]
    bval, direction = {
        "b0": (0, 0 * OBLIQUE),
        "no direction": (1000, 0 * OBLIQUE),
        "direction": (1001, OBLIQUE),
    }[label]
    whole = np.insert(series, place, values, axis=3)
    bvals = np.insert(table.bvals, place, bval)
    bvecs = np.insert(table.bvecs, place, direction, axis=0)

    found = find_unlike(whole, GradientTable(bvals, bvecs), phantom.affine)

    assert list(found) == [place]


def test_measured_volumes_are_kept_also_of_a_head_that_moves(phantom, table):
    moved = phantom.series(table, phantom.draw_motion(table, mm=3, degrees=3, eddy=0.01))

    assert not find_unlike(phantom.with_noise(moved, 20), table, phantom.affine)


def test_copies_and_empty_volumes_are_found(phantom, series, table):
    broken = series.copy()
    broken[..., 5] = 0
    broken[..., 9] = broken[..., 8]

    found = find_unlike(broken, table, phantom.affine)

    assert found == {5: "it is empty", 9: "it is a copy of volume 8"}


def test_small_b_values_count_as_none(phantom, series, table):
    small = GradientTable(np.where(table.is_b0, 50, table.bvals), table.bvecs)

    assert not find_unlike(series, small, phantom.affine)


def test_a_fifth_of_all_is_too_many(table):
    assert not too_many(dict.fromkeys(range(2), ""), table)
    assert too_many(dict.fromkeys(range(3), ""), table)
