"""Peaks on maps and atlases with known places."""

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.explanation.peaks import DISTANCE, N_PEAKS, Regions, peak_table
from motor_bids_app.spaces.atlases import Atlas, load_aal
from motor_bids_app.spaces.grids import Grid, standard_grid

AFFINE = np.array([[4.0, 0, 0, -40], [0, 4, 0, -20], [0, 0, 4, 8], [0, 0, 0, 1]])
GRID = Grid((20, 20, 20), AFFINE)
MASK = np.ones(GRID.shape, dtype=bool)


@pytest.fixture
def regions():
    labels = np.zeros(GRID.shape, np.int16)
    labels[4:7, 4:7, 4:7] = 3
    return Regions.of(Atlas(nib.Nifti1Image(labels, AFFINE), {3: "Here_L"}))


def test_a_peak_has_its_coordinates_and_region(regions):
    values = np.zeros((2, *GRID.shape))
    values[1, 5, 5, 5] = -3
    table = peak_table(values, ("fa", "md"), MASK, GRID, regions)
    assert table.to_dict("records") == [
        {
            "map": "md",
            "x": -20.0,
            "y": 0.0,
            "z": 28.0,
            "value": -3.0,
            "region": "Here_L",
            "distance": 0.0,
        }
    ]


def test_a_peak_far_from_all_regions_has_no_name(regions):
    values = np.zeros((1, *GRID.shape))
    values[0, 8, 5, 5], values[0, 19, 19, 19] = 2, 1
    table = peak_table(values, ("fa",), MASK, GRID, regions)
    assert table["region"].tolist() == ["Here_L", ""]
    assert table["distance"][0] == pytest.approx(8)


def test_peaks_are_few_apart_and_sorted(regions):
    values = np.random.default_rng(0).normal(size=(1, *GRID.shape))
    table = peak_table(values, ("fa",), MASK, GRID, regions)
    points = table[["x", "y", "z"]].to_numpy()
    apart = np.linalg.norm(points[:, None] - points, axis=2)[np.triu_indices(len(points), 1)]
    assert len(table) == N_PEAKS
    assert apart.min() >= DISTANCE
    assert table["value"].abs().is_monotonic_decreasing


def test_nothing_is_a_peak_outside_the_mask(regions):
    values = np.zeros((1, *GRID.shape))
    values[0, 5, 5, 5] = 1
    assert peak_table(values, ("fa",), ~MASK, GRID, regions).empty


def test_the_hand_area_is_precentral():
    """The hand knob is near (-38, -24, 54) mm (Yousry et al. 1997; MNI, left)."""
    name, distance = Regions.of(load_aal(4)).name_point(np.array([-38.0, -22, 56]))
    assert name in ("Precentral_L", "Postcentral_L")
    assert distance <= 2 * np.sqrt(3) + 1e-6
    assert load_aal(4).labels.shape == standard_grid(4).shape
