import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motor_bids_app.errors import GradientTableError
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients

AXES = np.eye(3)
SIX = np.array([[1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]]) / 2**0.5


def table(directions, bval=1000.0, n_b0=1):
    bvals = np.concatenate([np.zeros(n_b0), np.full(len(directions), bval)])
    return GradientTable(bvals, np.concatenate([np.zeros((n_b0, 3)), directions]))


def oblique(handedness):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [20, -10, 35], degrees=True).as_matrix() * [2, 2, 3]
    affine[:3, 0] *= handedness
    return affine


def test_rows_and_columns_mean_the_same():
    rows = parse_gradients("0 1000 1000", "0 1 0\n0 0 1\n0 0 0")
    columns = parse_gradients("0\n1000\n1000\n", "0 0 0\n1 0 0\n0 1 0\n")

    # A 3x3 text is read as rows, which is how BIDS writes it.
    assert np.array_equal(columns.bvals, rows.bvals)
    assert np.array_equal(
        parse_gradients("0,1000,1000,1000", "0 0 0\n1 0 0\n0 1 0\n0 0 1").bvecs[1:], AXES
    )
    assert np.array_equal(rows.bvecs[1:], AXES[:2])


@pytest.mark.parametrize(
    ("bval", "bvec", "message"),
    [
        pytest.param("0 1000", "0 1 0\n0 0 1\n0 0 0", "2 b-values, but 3 directions", id="count"),
        pytest.param("0 b", "0 1\n0 0\n0 0", "something else than numbers.*'b'", id="text"),
        pytest.param("0 1000", "0 1\n0 0 0\n0 0", "3 rows with 2, 3 numbers", id="ragged"),
        pytest.param("0 1000", "0 1\n0 0", "2 rows with 2 numbers", id="two rows"),
        pytest.param("", "0 1\n0 0\n0 0", "bval file is empty", id="empty"),
        pytest.param("0 -5", "0 1\n0 0\n0 0", "negative", id="negative"),
        pytest.param("0 1000", "0 0.5\n0 0\n0 0", "volume 1 has length 0.5 instead", id="length"),
    ],
)
def test_unusable_text_is_explained(bval, bvec, message):
    with pytest.raises(GradientTableError, match=message):
        parse_gradients(bval, bvec)


def test_rounded_directions_become_exact_and_missing_ones_zero():
    gradients = parse_gradients("0 1000 5", "nan 0.577 0.1\nnan 0.577 0\nnan 0.577 0")

    assert np.linalg.norm(gradients.bvecs, axis=1) == pytest.approx([0, 1, 0])


def test_text_reads_back():
    gradients = table(SIX, bval=995)

    again = parse_gradients(*gradients.to_text())

    assert np.array_equal(again.bvals, gradients.bvals)
    assert again.bvecs == pytest.approx(gradients.bvecs, abs=1e-6)


@pytest.mark.parametrize("handedness", [1, -1])
def test_world_directions_and_back(handedness):
    gradients = table(SIX)
    affine = oblique(handedness)

    world = gradients.world_directions(affine)

    assert np.linalg.norm(world[1:], axis=1) == pytest.approx(1)
    again = GradientTable.from_world(gradients.bvals, world, affine)
    assert again.bvecs == pytest.approx(gradients.bvecs)


def test_files_stay_valid_when_the_first_axis_is_stored_backwards():
    # FSL's convention was made for this: bvecs do not change between RAS and LAS storage.
    ras = nib.Nifti1Image(np.zeros((4, 4, 4)), oblique(1))
    las = ras.as_reoriented([[0, -1], [1, 1], [2, 1]])

    world = table(SIX).world_directions(ras.affine)

    assert table(SIX).world_directions(las.affine) == pytest.approx(world)


def test_first_component_of_las_storage_points_to_voxel_axis():
    las = np.diag([-2.0, 2, 2, 1])

    assert table(AXES).world_directions(las)[1:] == pytest.approx(np.diag([-1.0, 1, 1]))


def test_directions_turn_with_the_world():
    affine = oblique(1)
    turns = Rotation.random(7, random_state=0).as_matrix()
    gradients = table(SIX)

    turned = gradients.rotated(turns, affine).world_directions(affine)

    expected = np.stack(
        [t @ g for t, g in zip(turns, gradients.world_directions(affine), strict=True)]
    )
    assert turned == pytest.approx(expected)


def test_shells_are_told_apart_whatever_the_rounding():
    gradients = GradientTable(np.array([2010, 0, 995, 5, 1005, 1990.0]), np.tile(AXES, (2, 1)))

    assert gradients.shells.tolist() == [2, 0, 1, 0, 1, 2]
    assert gradients.fits_tensor.tolist() == [False, True, True, True, True, False]


def test_opposite_directions_count_once():
    assert table(np.concatenate([SIX, -SIX])).n_directions == 6


@pytest.mark.parametrize(
    ("gradients", "n_volumes", "message"),
    [
        pytest.param(table(SIX), 8, "8 volumes.*describe 7", id="count"),
        pytest.param(table(SIX, n_b0=0), 6, "lowest b-value is 1000", id="no b0"),
        pytest.param(table(AXES, bval=1), 4, r"ms/um2: multiply .* by 1000", id="ms/um2"),
        pytest.param(table(AXES, bval=1e9), 4, r"s/m2: multiply .* by 1e-06", id="s/m2"),
        pytest.param(table(AXES, bval=0), 4, "All 4 volumes are b0", id="only b0"),
    ],
)
def test_unusable_series_is_explained(gradients, n_volumes, message):
    with pytest.raises(GradientTableError, match=message):
        gradients.check(n_volumes)


def test_six_directions_make_a_tensor():
    table(SIX).check_tensor()


@pytest.mark.parametrize(
    "directions",
    [
        pytest.param(AXES, id="clinical"),
        pytest.param(np.concatenate([SIX[:5], -SIX[:5]]), id="repeated"),
        pytest.param(
            np.stack([[np.cos(a), np.sin(a), 0] for a in np.linspace(0, 3, 12)]), id="in a plane"
        ),
    ],
)
def test_too_few_directions_leave_the_trace(directions):
    with pytest.raises(GradientTableError, match="only a trace"):
        table(directions).check_tensor()


def test_real_files_are_read(test_data):
    name = test_data / "dwi_trio_20dir" / "sub-01" / "dwi" / "sub-01_dwi"

    gradients = parse_gradients(
        name.with_suffix(".bval").read_text(), name.with_suffix(".bvec").read_text()
    )

    gradients.check(21)
    gradients.check_tensor()
    assert gradients.n_directions == 20
