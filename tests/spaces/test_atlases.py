import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine
from nibabel.processing import resample_from_to

from motor_bids_app.errors import InputMissingError
from motor_bids_app.spaces.atlases import (
    AAL_MOTOR_REGIONS,
    MOTOR_REGIONS,
    TRACT_END,
    corticospinal_tract,
    juelich_tract,
    load_aal,
    load_cerebra,
)
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

RESOLUTIONS = pytest.mark.parametrize("resolution", [2, 3, 4])
ATLASES = pytest.mark.parametrize("load_atlas", [load_aal, load_cerebra])


def centre(mask, affine):
    """Centre of mass in mm."""
    return apply_affine(affine, np.argwhere(mask).mean(axis=0))


@ATLASES
@RESOLUTIONS
def test_every_left_region_is_the_mirror_of_its_right_one(resolution, load_atlas):
    atlas = load_atlas(resolution)

    left = [name for name in atlas.names.values() if name.endswith("_L")]
    assert len(left) == {load_aal: 56, load_cerebra: 44}[load_atlas]
    for name in left:
        mirrored = atlas.mask(name.removesuffix("_L") + "_R")[::-1]
        assert mirrored.any()
        np.testing.assert_array_equal(atlas.mask(name), mirrored)


@ATLASES
@RESOLUTIONS
def test_left_regions_lie_on_the_left(resolution, load_atlas):
    atlas = load_atlas(resolution)

    for name in atlas.names.values():
        if name.endswith("_L"):
            voxels = np.argwhere(atlas.mask(name))
            assert np.all(apply_affine(atlas.labels.affine, voxels)[:, 0] < 0), name


@ATLASES
@RESOLUTIONS
def test_regions_keep_the_size_the_atlas_gives_them(resolution, load_atlas):
    total = (np.asarray(load_atlas(resolution).labels.dataobj) > 0).sum()

    litres = total * standard_grid(resolution).voxel_volume / 1e6
    given = {load_aal: 1.483, load_cerebra: 1.170}[load_atlas]  # counted in the files
    assert litres == pytest.approx(given, rel=0.12)


@ATLASES
@pytest.mark.parametrize(
    ("region", "place"),
    [
        ("Thalamus", (11, -18, 8)),  # Rolls et al. 2015 and Tzourio-Mazoyer et al. 2002
        ("Putamen", (24, 4, 2)),
        ("Caudate", (12, 11, 9)),
    ],
)
def test_regions_are_where_the_literature_puts_them(region, place, load_atlas):
    atlas = load_atlas(2)

    found = centre(atlas.mask(f"{region}_R"), atlas.labels.affine)

    assert np.linalg.norm(found - place) < 5


@ATLASES
@pytest.mark.parametrize(
    ("region", "place"),
    [
        ("Precentral_L", (-38, -22, 56)),  # the hand in M1, of Gao et al. 2025
        ("Precentral_L", (-54, -2, 30)),  # and the face
        ("Postcentral_L", (-42, -28, 54)),
    ],
)
def test_the_central_gyri_are_where_movement_and_touch_of_the_hand_are(region, place, load_atlas):
    atlas = load_atlas(2)
    voxels = apply_affine(atlas.labels.affine, np.argwhere(atlas.mask(region)))

    assert np.linalg.norm(voxels - place, axis=1).min() < 5


@pytest.mark.parametrize(
    ("load_atlas", "regions"), [(load_aal, AAL_MOTOR_REGIONS), (load_cerebra, MOTOR_REGIONS)]
)
def test_every_motor_region_has_two_sides(load_atlas, regions):
    atlas = load_atlas(3)

    for region in regions:
        assert atlas.mask(f"{region}_L").sum() > 20
        assert atlas.mask(f"{region}_R").sum() > 20


def test_an_unknown_region_is_named():
    with pytest.raises(InputMissingError, match=r"'Precentral'.*Precentral_L"):
        load_aal(3).mask("Precentral")


def published_cerebra(test_data):
    """CerebrA as its authors gave it: labels at 1 mm, and their names."""
    folder = test_data / "atlas_cerebra"
    image = nib.load(folder / "CerebrA.nii.gz")
    lines = (folder / "CerebrA.txt").read_text().splitlines()
    names = dict(reversed(line.split()) for line in lines if line.strip())
    labels = np.rint(np.asarray(image.dataobj)).astype(np.int16)
    return labels, image.affine, {name: int(number) for name, number in names.items()}


def test_regions_are_those_that_were_published(test_data):
    labels, affine, names = published_cerebra(test_data)
    atlas = load_cerebra(2)
    places = np.moveaxis(np.indices(atlas.labels.shape), 0, -1)
    voxels = np.rint(apply_affine(np.linalg.inv(affine) @ atlas.labels.affine, places))
    given = labels[tuple(np.moveaxis(voxels.astype(int), -1, 0))]

    for name in atlas.names.values():
        side = {"_L": ("Left",), "_R": ("Right",)}.get(name[-2:], ("Left", "Right"))
        region = name.removesuffix("_L").removesuffix("_R")
        there = np.isin(given, [names[f"{part}_{region}"] for part in side])
        ours = atlas.mask(name)
        assert 2 * (ours & there).sum() / (ours.sum() + there.sum()) > 0.8, name


def test_regions_fit_the_tissue_of_our_template_where_they_are(test_data):
    labels, affine, names = published_cerebra(test_data)
    deep = ("Ventr", "Cerebell", "Vermal", "Brainstem", "Thalamus", "Optic")
    cortex = [number for name, number in names.items() if not any(part in name for part in deep)]
    grey = load_template("GM", 1)
    points = apply_affine(affine, np.argwhere(np.isin(labels, cortex))[::5])

    def fit(shift):
        voxels = np.rint(apply_affine(np.linalg.inv(grey.affine), points + shift)).astype(int)
        return np.asarray(grey.dataobj)[tuple(voxels.T)].mean()

    here = fit(np.zeros(3))
    for axis in np.eye(3):
        below, above = fit(-axis), fit(axis)
        assert max(below, above) < here - 0.005
        best = (above - below) / (2 * (2 * here - above - below))  # mm, of a parabola
        assert abs(best) < 0.25
    assert fit(np.array([0, -3, 0])) < here - 0.05


TRACTS = pytest.mark.parametrize("load_tract", [corticospinal_tract, juelich_tract])


@TRACTS
@RESOLUTIONS
def test_tracts_are_probabilities_and_mirror_images(load_tract, resolution):
    tract = {side: np.asarray(load_tract(resolution)[side].dataobj) for side in ("left", "right")}

    np.testing.assert_array_equal(tract["left"], tract["right"][::-1])
    assert tract["left"].min() >= 0
    assert 0.7 < tract["left"].max() <= 1
    middle = centre(tract["left"] > 0.5, standard_grid(resolution).affine)
    assert np.linalg.norm(middle - (-24, -19, 35)) < 9  # of the Juelich file, sides averaged


@TRACTS
@RESOLUTIONS
def test_the_volume_of_the_tract_does_not_depend_on_the_resolution(load_tract, resolution):
    volume = {corticospinal_tract: (23.182 + 24.149) / 2, juelich_tract: 18.08}[load_tract]  # ml

    total = np.asarray(load_tract(resolution)["left"].dataobj).sum()

    assert total * resolution**3 / 1000 == pytest.approx(volume, rel=0.02)


@TRACTS
def test_the_tract_runs_through_white_matter(load_tract):
    tract = np.asarray(load_tract(2)["left"].dataobj)
    white = np.asarray(load_template("WM", 2).dataobj)

    assert np.average(white, weights=tract) > 0.6
    assert np.average(white, weights=tract) > 4 * white.mean()


def test_the_tract_runs_from_the_cortex_to_the_medulla_without_a_gap():
    tract = corticospinal_tract(2)["left"]
    area = np.asarray(tract.dataobj).sum(axis=(0, 1)) * 4  # mm2
    height = nib.affines.apply_affine(tract.affine, [[0, 0, k] for k in range(area.size)])[:, 2]

    along = area[(height >= TRACT_END) & (height <= 68)]
    assert along.min() > 25
    assert area[height < TRACT_END - 2].sum() == 0


def test_two_atlases_agree_on_the_tract_from_the_midbrain_to_the_internal_capsule():
    here = slice(28, 38)  # z from -16 to 2
    ours, other = (
        np.asarray(load(2)["left"].dataobj)[:, :, here] > 0.4
        for load in (corticospinal_tract, juelich_tract)
    )

    apart = centre(ours, np.eye(4)) - centre(other, np.eye(4))
    assert 2 * np.linalg.norm(apart) < 4  # mm
    assert 2 * (ours & other).sum() / (ours.sum() + other.sum()) > 0.5


def test_an_independent_tract_mask_lies_in_the_tract_and_other_bundles_do_not(test_data):
    tract = juelich_tract(2)

    def load_of(bundle, side):
        mask = nib.load(test_data / "atlas_hcp842_tracts" / f"{bundle}.nii.gz")
        moved = resample_from_to(mask, tract[side], order=1).get_fdata() > 0.5
        return np.asarray(tract[side].dataobj)[moved].mean()

    assert load_of("Cortico_Spinal_Tract_L", "left") > 0.2
    assert load_of("Cortico_Spinal_Tract_R", "right") > 0.2
    assert load_of("Cortico_Spinal_Tract_R", "left") < 0.001
    for other in ("Arcuate_Fasciculus_L", "Corpus_Callosum"):
        assert load_of(other, "left") < 0.05
