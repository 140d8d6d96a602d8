"""Tissue of real old heads, against the labels that a network made at full resolution."""

import csv

import nibabel as nib
import numpy as np
import pytest
from scipy.cluster.vq import kmeans2

from motor_bids_app.levels.participant.anatomy.preprocess import coarse_grid
from motor_bids_app.mri.anatomy import correct_bias, denoise, reorient
from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.mri.resampling import invert
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.mri.volumes import tissue_volumes

NUCLEI = (36, 37, 57, 58, 59, 60)  # caudate, putamen, thalamus
VENTRICLES = (4, 11, 49, 50, 51, 52)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.fixture(scope="module", params=["Subj7", "Subj11"])
def old_head(request, test_data):
    """Image, labels, and tissue; ventricles of 129 ml, and the darkest white matter of eleven."""
    folder = test_data / "nichart_heads"
    image, labels = (
        nib.load(folder / f"{request.param}_{name}.nii.gz") for name in ("T1", "T1_DLMUSE")
    )
    head = correct_bias(denoise(reorient(image)), sloppy=True)
    single = np.asarray(nib.as_closest_canonical(labels).dataobj).astype(int)
    with (folder / "MUSE_mapping_derivedROIs.csv").open() as file:
        groups = {
            row[0]: [int(cell) for cell in row[2:] if cell.strip()] for row in csv.reader(file)
        }
    truth = {name: np.isin(single, groups[key]) for name, key in (("GM", "601"), ("WM", "604"))}
    brain = nib.Nifti1Image((single > 0).astype(np.uint8), head.affine)
    to_native = invert(register_to_template(head, brain, sloppy=True).transform, coarse_grid(head))
    return head, single, truth, segment_tissue(head, brain, to_native)


def most(found):
    shares = np.stack([np.asarray(found[name].dataobj) for name in ("CSF", "GM", "WM")])
    return np.where(shares.sum(0) > 0.5, shares.argmax(0), -1)


@pytest.mark.slow
def test_tissue_of_old_heads_is_closer_to_the_labels_than_plain_clusters(old_head):
    head, single, truth, found = old_head
    inside = single > 0
    values = np.asarray(head.dataobj)[inside].astype(float)
    means, nearest = kmeans2(values, np.percentile(values, [10, 45, 85]), minit="matrix", iter=100)
    plain = np.full(inside.shape, -1)
    plain[inside] = np.argsort(np.argsort(means))[nearest]

    for k, name in ((1, "GM"), (2, "WM")):
        own = dice(most(found) == k, truth[name])
        assert own > 0.8, name
        assert own > dice(plain == k, truth[name]), name


@pytest.mark.slow
def test_volumes_of_old_heads_are_those_of_the_labels(old_head):
    _, _, truth, found = old_head
    volumes = tissue_volumes(found)

    for name in ("GM", "WM"):
        assert volumes[f"{name.lower()}_ml"] == pytest.approx(truth[name].sum() * 0.008, rel=0.2)


@pytest.mark.slow
def test_nuclei_of_old_heads_are_grey_and_their_ventricles_fluid(old_head):
    _, single, _, found = old_head

    assert (most(found)[np.isin(single, NUCLEI)] == 1).mean() > 0.8
    assert (most(found)[np.isin(single, VENTRICLES)] == 0).mean() > 0.85
