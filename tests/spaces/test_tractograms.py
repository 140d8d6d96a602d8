import io

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine
from scipy import ndimage
from scipy.io import savemat

from motor_bids_app.spaces.tractograms import (
    hcp842_bundles,
    load_hcp842,
    other_side,
    read_tiny_track,
)

AFFINE = np.array([[-1, 0, 0, 78], [0, -1, 0, 76], [0, 0, 1, -50], [0, 0, 0, 1]], np.float32)


def written(streamlines, clusters):
    """Streamlines in 1/32 voxel as DSI Studio writes them."""
    track = b""
    for places in streamlines:
        places = np.asarray(places)
        track += np.array([places.size, *places[0]], dtype="<i4").tobytes()
        track += np.diff(places, axis=0).astype(np.int8).tobytes()
    target = io.BytesIO()
    parts = {
        "trans_to_mni": AFFINE.reshape(1, 16),
        "cluster": np.array(clusters, dtype=np.uint16)[:, None],
        "track": np.frombuffer(track, dtype=np.uint8)[:, None],
    }
    savemat(target, parts, format="4")
    return target.getvalue()


def test_streamlines_are_read_as_they_were_written():
    random = np.random.default_rng(0)
    given = [
        random.integers(0, 4000, 3) + np.cumsum(random.integers(-127, 128, (n, 3)), axis=0)
        for n in (1, 2, 40)
    ]

    points, lengths, cluster = read_tiny_track(written(given, [5, 0, 5]))

    assert lengths.tolist() == [1, 2, 40]
    assert cluster.tolist() == [5, 0, 5]
    for part, places in zip(np.split(points, np.cumsum(lengths)[:-1]), given, strict=True):
        np.testing.assert_allclose(part, apply_affine(AFFINE, places / 32), atol=1e-4)


def test_the_atlas_has_the_streamlines_that_its_authors_gave():
    atlas = load_hcp842()

    assert len(atlas.lengths) == len(atlas.bundle) == 10_403
    assert atlas.lengths.sum() == len(atlas.points)
    low, high = atlas.points[:, 2].min(), atlas.points[:, 2].max()
    assert (round(float(low)), round(float(high))) == (-54, 82)
    left = atlas.bundle == atlas.names.index("corticospinal_tract_left")
    assert left.sum() == 170
    assert atlas.points[np.repeat(left, atlas.lengths), 0].max() < 3


def test_every_bundle_of_a_side_has_a_name_of_its_own_and_a_counterpart():
    names = hcp842_bundles()

    assert len(set(names)) == len(names) == 106
    assert {other_side(name) for name in names} == set(names)


@pytest.mark.parametrize(
    ("bundle", "mask"),
    [
        ("corticospinal_tract_left", "Cortico_Spinal_Tract_L"),
        ("corticospinal_tract_right", "Cortico_Spinal_Tract_R"),
        ("arcuate_fasciculus_left", "Arcuate_Fasciculus_L"),
        ("corpus_callosum_body", "Corpus_Callosum"),
    ],
)
def test_streamlines_lie_in_the_published_mask_of_their_bundle(test_data, bundle, mask):
    image = nib.load(test_data / "atlas_hcp842_tracts" / f"{mask}.nii.gz")
    near = ndimage.binary_dilation(np.asarray(image.dataobj) > 0, iterations=3)
    atlas = load_hcp842()
    own = np.repeat(atlas.bundle == atlas.names.index(bundle), atlas.lengths)

    voxels = np.rint(apply_affine(np.linalg.inv(image.affine), atlas.points[own])).astype(int)
    inside = ((voxels >= 0) & (voxels < image.shape)).all(axis=1)

    assert near[tuple(voxels[inside].T)].mean() > 0.85
