"""Likeness of maps: a person's two scans are alike, whatever differs between two scans."""

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.evaluation.leakage import near_duplicates
from motor_bids_app.features.likeness import likeness
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

N = 10
LABELS = [f"sub-{n}" for n in range(N + 1)]


@pytest.fixture(scope="module")
def brains():
    """Grey matter of ten people: the template, warped by 3 mm or so."""
    rng = np.random.default_rng(0)
    template = np.asarray(load_template("GM", 4).dataobj, dtype=np.float32)
    places = np.stack(np.meshgrid(*map(np.arange, template.shape), indexing="ij"))
    warps = [ndimage.gaussian_filter(rng.normal(size=places.shape), (0, 3, 3, 3)) for _ in range(N)]
    return [(template, places + 0.8 * warp / warp.std()) for warp in warps]


def scan(brain, shift=0.0, noise=0.0, scale=1.0):
    template, places = brain
    image = ndimage.map_coordinates(template, places + shift, order=1)
    return scale * image + noise * np.random.default_rng(1).normal(size=image.shape)


def correlations(images):
    grid = standard_grid(4)
    store = VolumeStore.empty(len(images), ("gm",), Grid(grid.shape, grid.affine))
    for row, image in enumerate(images):
        store.put(row, "gm", nib.Nifti1Image(image.astype(np.float32), grid.affine))
    return likeness(store.volumes(), 0)


@pytest.mark.parametrize(
    "second",
    [{}, {"shift": 0.25}, {"noise": 0.1}, {"scale": 1.3}, {"shift": -0.25, "noise": 0.05}],
    ids=["copy", "1 mm", "noise", "brighter", "1 mm and noise"],
)
def test_a_second_scan_of_somebody_is_found(brains, second):
    images = [*map(scan, brains), scan(brains[4], **second)]
    pairs, _ = near_duplicates(
        correlations(images)[None], np.ones((N + 1, 1), bool), LABELS, ["gm"]
    )

    assert pairs[["first", "second"]].to_numpy().tolist() == [["sub-4", "sub-10"]]


def test_ten_people_are_ten_people(brains):
    grams = correlations(list(map(scan, brains)))[None]

    assert near_duplicates(grams, np.ones((N, 1), bool), LABELS[:N], ["gm"])[0].empty


def test_scans_without_the_map_are_like_nobody(brains):
    images = list(map(scan, brains))
    store = VolumeStore.empty(3, ("gm",), standard_grid(4))
    for row in (0, 2):
        store.put(row, "gm", nib.Nifti1Image(images[row], standard_grid(4).affine))
    products = likeness(store.volumes(), 0)

    assert not products[1].any()
    assert products[0, 0] == pytest.approx(-products[0, 2])  # two deviations from one mean


def real_heads(folder):
    """Ten heads on one grid, laid over each other by the centres of their labelled regions."""
    images, centres = [], []
    for path in sorted(folder.glob("*_T1.nii.gz")):
        labels = nib.load(str(path).replace("_T1.nii.gz", "_T1_DLMUSE.nii.gz"))
        regions = np.asarray(labels.dataobj).astype(int)
        known = np.unique(regions)[1:]
        found = np.array(ndimage.center_of_mass(regions > 0, regions, known))
        centres.append(
            dict(zip(known.tolist(), nib.affines.apply_affine(labels.affine, found), strict=True))
        )
        images.append(nib.load(path))
    common = sorted(set.intersection(*map(set, centres)))
    places = [np.array([own[region] for region in common]) for own in centres]
    return images, places


def head_on_grid(image, own, reference, shift=0.0):
    """A real head on the standard grid of 4 mm, moved by `shift` mm along every axis."""
    grid = standard_grid(4)
    points = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    world = nib.affines.apply_affine(grid.affine, points.reshape(-1, 3))
    world += reference.mean(axis=0) + np.array([0, 18, -10]) + shift
    fit = np.linalg.lstsq(np.c_[reference, np.ones(len(reference))], own, rcond=None)[0]
    own_world = np.c_[world, np.ones(len(world))] @ fit
    voxels = nib.affines.apply_affine(np.linalg.inv(image.affine), own_world)
    values = np.asarray(image.dataobj, dtype=np.float32)
    smooth = ndimage.gaussian_filter(values / np.percentile(values[values > 0], 90), 1)
    return ndimage.map_coordinates(smooth, voxels.T, order=1).reshape(grid.shape)


def test_real_heads_are_ten_people_and_a_noisy_shifted_copy_is_found(test_data):
    images, places = real_heads(test_data / "nichart_heads")
    heads = [head_on_grid(*each, places[0]) for each in zip(images, places, strict=True)]
    copy = head_on_grid(images[2], places[2], places[0], shift=0.7)
    copy = 1.2 * copy + np.random.default_rng(0).normal(0, 0.1, copy.shape)
    labels = [f"sub-{n}" for n in range(len(heads) + 1)]
    apart, _ = near_duplicates(
        correlations(heads)[None], np.ones((len(heads), 1), bool), labels[:-1], ["t1"]
    )
    found, _ = near_duplicates(
        correlations([*heads, copy])[None], np.ones((len(labels), 1), bool), labels, ["t1"]
    )

    assert apart.empty
    assert found[["first", "second"]].to_numpy().tolist() == [["sub-2", labels[-1]]]
