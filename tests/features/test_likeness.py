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
