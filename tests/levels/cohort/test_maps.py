import errno
import os
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.errors import DataError, ReadWriteError
from motor_bids_app.levels.cohort.maps import (
    available_maps,
    brain_grid,
    experiment_mask,
    map_digests,
    map_library,
    mirror_features,
    to_flip,
)
from motor_bids_app.levels.cohort.unreadable import UnreadableScansError
from motor_bids_app.spaces.grids import standard_grid

GRID = standard_grid(4)


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "participant_id": ["sub-1", "sub-2", "sub-3"],
            "group": ["patient", "patient", "control"],
            "lesion_side": ["left", "right", "none"],
            "fa_precentral_left": [1.0, 2.0, 3.0],
            "fa_precentral_right": [4.0, 5.0, 6.0],
            "fa_precentral_asymmetry": [-0.6, -0.4, -0.3],
            "tract_load": [0.1, 0.2, 0.0],
        }
    )


@pytest.fixture
def scans(tmp_path):
    """Three people with a bright spot on the right; only the first has a lesion map."""
    found = []
    for number in (1, 2, 3):
        data = np.full(GRID.shape, 0.2, np.float32)
        data[30, 30, 20] = number
        path = tmp_path / f"fa{number}.nii.gz"
        nib.save(nib.Nifti1Image(data, GRID.affine), path)
        maps = {"fa": path, "lesion": path} if number == 1 else {"fa": path}
        found.append(DerivedScan(participant=str(number), session=None, maps=maps))
    return tuple(found)


def test_only_lesions_on_the_other_side_are_mirrored(table):
    assert to_flip(table, "left").tolist() == [False, True, False]
    assert to_flip(table, "right").tolist() == [True, False, False]
    assert not to_flip(table, "none").any()


def test_features_of_mirrored_brains_trade_sides(table):
    mirrored = mirror_features(table, np.array([False, True, False]))

    row = mirrored.iloc[1]
    assert (row["fa_precentral_left"], row["fa_precentral_right"]) == (5, 2)
    assert row["fa_precentral_asymmetry"] == 0.4
    assert row["lesion_side"] == "right"  # the report counts people by where the lesion is
    assert row["tract_load"] == 0.2  # a measure of the worse side has no side
    pd.testing.assert_frame_equal(mirrored.drop(index=1), table.drop(index=1))


def test_mirroring_features_twice_changes_nothing(table):
    flip = np.array([True, False, True])

    pd.testing.assert_frame_equal(mirror_features(mirror_features(table, flip), flip), table)


def test_mirrored_maps_are_mirror_images(table, scans, tmp_path):
    with map_library(scans, table, tmp_path) as library:
        plain = library.store(("fa",), 4)
        mirrored = library.store(("fa",), 4, "left")

        np.testing.assert_array_equal(mirrored.data[1], plain.data[1][:, ::-1])
        np.testing.assert_array_equal(mirrored.data[[0, 2]], plain.data[[0, 2]])
    assert not any(path.is_dir() for path in tmp_path.iterdir())  # the folder is deleted


def test_a_healthy_brain_has_an_empty_lesion_map_but_a_patient_may_lack_one(table, scans, tmp_path):
    with map_library(scans, table, tmp_path) as library:
        store = library.store(("fa", "lesion"), 4)

        assert store.present.tolist() == [[True, True], [True, False], [True, True]]
        assert not store.data[2, 1].any()


def test_each_store_is_built_once(table, scans, tmp_path):
    with map_library(scans, table, tmp_path) as library:
        assert library.store(("fa",), 4) is library.store(("fa",), 4)


@pytest.mark.parametrize("name", ["brain", "cst", "motor", "cst+motor"])
def test_masks_are_symmetric_and_inside_the_brain(name):
    grid = brain_grid(4)
    mask = experiment_mask(name, grid)

    np.testing.assert_array_equal(mask, mask[::-1])
    assert not (mask & ~experiment_mask("brain", grid)).any()
    litres = mask.sum() * grid.voxel_volume / 1e6
    assert {"brain": 1.2, "cst": 0.005, "motor": 0.2, "cst+motor": 0.2}[name] < litres
    assert litres < {"brain": 2.2, "cst": 0.1, "motor": 0.6, "cst+motor": 0.7}[name]


def test_maps_that_most_people_have_are_used(scans):
    controls = np.array([False, False, True])

    assert available_maps(scans, controls, "auto") == ("fa",)  # the lesion of 1 of 2 patients
    assert available_maps(scans[:1] + scans[2:], controls[1:], "auto") == ("fa", "lesion")
    with pytest.raises(DataError, match=r"maps md .*available: fa \(3\)"):
        available_maps(scans, controls, ("fa", "md"))


def test_images_of_two_people_with_equal_values_are_found(table, scans, tmp_path):
    copied = replace(scans[1], maps={"fa": Path(scans[0].maps["fa"])})
    with map_library((scans[0], copied, scans[2]), table, tmp_path) as library:
        store = library.store(("fa", "lesion"), 4)
        owners = map_digests(store, np.arange(3), ["sub-1", "sub-2", "sub-3"])

    shared = [who for who in owners.values() if len(who) > 1]
    assert shared == [["sub-1", "sub-2"]]  # empty lesion maps are not copies of each other


def test_a_map_that_cannot_be_read_leaves_out_its_scan_alone(table, scans, tmp_path):
    whole = Path(scans[1].maps["fa"])
    damaged = tmp_path / "damaged.nii.gz"
    damaged.write_bytes(whole.read_bytes()[:200])
    scans = (scans[0], replace(scans[1], maps={"fa": damaged}), scans[2])

    with map_library(scans, table, tmp_path) as library:
        store = library.store(("fa", "lesion"), 4, rows=[0, 2])
        assert store.present.tolist() == [[True, True], [False, False], [True, True]]
        with pytest.raises(UnreadableScansError, match=r"damaged\.nii\.gz") as error:
            library.store(("fa", "lesion"), 4, rows=[0, 1])
    assert list(error.value.reasons) == [1]


def test_a_work_folder_without_room_is_named_before_anything_is_read(
    table, scans, tmp_path, monkeypatch
):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with (
        pytest.raises(ReadWriteError, match=r"No space left on device.*-w"),
        map_library(scans, table, tmp_path) as library,
    ):
        library.store(("fa",), 4)
