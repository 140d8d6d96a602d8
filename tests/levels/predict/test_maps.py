import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.levels.predict.maps import impossible_units
from motor_bids_app.spaces.grids import Grid

GRID = Grid((6, 6, 6), np.eye(4))


def scan_with(name, level):
    store = VolumeStore.empty(1, (name,), GRID)
    values = np.random.default_rng(0).uniform(0.8, 1, GRID.shape) * level
    values[0] = 0  # outside the brain
    store.put(0, name, nib.Nifti1Image(values.astype(np.float32), GRID.affine))
    return store.volumes()


@pytest.mark.parametrize(
    ("name", "level"), [("md", 8e-4), ("ad", 1.7e-3), ("fa", 0.6), ("gm", 1), ("lesion", 3)]
)
def test_possible_maps_are_not_questioned(name, level):
    assert impossible_units(scan_with(name, level)) == ()


@pytest.mark.parametrize(
    ("name", "level", "message"),
    [
        pytest.param("md", 0.08, "not a brain diffusivity in mm2/s", id="md of 0.08"),
        pytest.param("rd", 0.7, "not a brain diffusivity in mm2/s", id="um2/ms"),
        pytest.param("gm", 100, "a share from 0 to 1", id="percent"),
        pytest.param("fa", -0.5, "a share from 0 to 1", id="negative"),
        pytest.param("wm", 0, "0 everywhere", id="empty"),
    ],
)
def test_impossible_maps_are_explained(name, level, message):
    (sentence,) = impossible_units(scan_with(name, level))

    assert sentence.startswith(f"The {name} map ")
    assert message in sentence
