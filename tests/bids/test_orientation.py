import gzip
from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine
from scipy.spatial.transform import Rotation

from motor_bids_app.bids.files import load_image, save_image
from motor_bids_app.bids.lesions import same_place
from motor_bids_app.bids.orientation import trust_orientation, trusted_notes
from motor_bids_app.errors import DataError
from motor_bids_app.settings import Trust

SHAPE = (20, 24, 18)
AFFINE = np.array([[-3.0, 0, 0, 30], [0, 3, 0, -40], [0, 0, 3, -20], [0, 0, 0, 1]])
MIRROR = np.diag([-1.0, 1, 1, 1])


@pytest.fixture(autouse=True)
def _trust_nothing():
    yield
    trust_orientation(())


@pytest.fixture
def write(tmp_path):
    """Save an image with the matrices and codes given."""

    def write(sform, qform, codes=(1, 1), name="sub-1_T1w.nii.gz"):
        image = nib.Nifti1Image(np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE), qform)
        image.set_qform(qform, code=codes[1])
        image.set_sform(sform, code=codes[0])
        nib.save(image, tmp_path / name)
        return tmp_path / name

    return write


def tilted(degrees, shift=(0, 0, 0)):
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    turn[:3, 3] = shift
    return turn


@pytest.mark.parametrize("codes", [(1, 1), (1, 0), (0, 1), (4, 4), (2, 1)])
@pytest.mark.parametrize("pose", [np.eye(4), tilted((20, -8, 5), (3, 9, -30)), MIRROR])
def test_one_place_however_oblique_and_in_whichever_matrix_is_read(write, pose, codes):
    path = write(pose @ AFFINE, pose @ AFFINE, codes)

    assert load_image(path).affine == pytest.approx(pose @ AFFINE, abs=1e-4)


@pytest.mark.parametrize(("factor", "unit"), [(1000, "micron"), (1e-3, "meter"), (1000, "mm")])
def test_voxels_of_a_size_that_no_scan_has_are_refused_with_the_unit(write, factor, unit):
    path = write(np.diag([factor, factor, factor, 1]) @ AFFINE, AFFINE, (1, 0))
    image = nib.load(path)
    image.header.set_xyzt_units(unit)
    nib.save(image, path)

    with pytest.raises(DataError, match=f"{3 * factor:g} mm .unit in its header: {unit}"):
        load_image(path)


def test_matrices_that_differ_by_rounding_are_one_place(write):
    path = write(AFFINE, tilted((0.2, 0, 0), (0.3, 0, 0)) @ AFFINE)

    assert load_image(path).affine == pytest.approx(AFFINE)


@pytest.mark.parametrize(
    ("sform", "qform", "codes", "message"),
    [
        pytest.param(AFFINE, AFFINE, (0, 0), "are 0", id="no codes"),
        pytest.param(AFFINE, MIRROR @ AFFINE, (1, 1), "mirror images", id="mirrored"),
        pytest.param(AFFINE @ MIRROR, AFFINE, (2, 1), "mirror images", id="voxels reversed"),
        pytest.param(AFFINE, tilted((0, 0, 8)) @ AFFINE, (1, 1), "mm apart", id="turned"),
        pytest.param(tilted((0, 0, 0), (0, 4, 0)) @ AFFINE, AFFINE, (4, 1), "4.0 mm", id="moved"),
        pytest.param(
            np.diag([-1.0, -1, 1, 1]) @ AFFINE, AFFINE, (1, 1), "mm apart", id="turned half round"
        ),
        pytest.param(np.diag([0.0, 3, 3, 1]), AFFINE, (1, 1), "sform is no", id="singular"),
    ],
)
def test_a_header_that_leaves_left_and_right_open_is_refused_with_what_to_do(
    write, sform, qform, codes, message
):
    path = write(sform, qform, codes)

    with pytest.raises(DataError, match=rf"sub-1_T1w.*{message}.*--trust-orientation"):
        load_image(path)


@pytest.mark.parametrize("codes", [(1, 1), (0, 0)])
@pytest.mark.parametrize("what", ["sform", "qform"])
def test_the_matrix_that_the_user_trusts_holds(write, what, codes):
    matrices = {"sform": AFFINE, "qform": MIRROR @ AFFINE}
    path = write(matrices["sform"], matrices["qform"], codes)

    trust_orientation([Trust(what)])

    image = load_image(path)
    assert image.affine == pytest.approx(matrices[what])
    assert what in trusted_notes([path])[0]


@pytest.mark.parametrize(
    "letters",
    ["".join(ways) for order in permutations(("LR", "PA", "IS")) for ways in product(*order)],
)
def test_axes_lead_where_the_user_says(write, letters):
    path = write(AFFINE, AFFINE, (0, 0))

    trust_orientation([Trust(letters)])

    image = load_image(path)
    assert nib.aff2axcodes(image.affine) == tuple(letters)
    assert apply_affine(image.affine, (np.array(SHAPE) - 1) / 2) == pytest.approx(np.zeros(3))
    assert nib.affines.voxel_sizes(image.affine) == pytest.approx(np.full(3, 3))


def test_trust_is_for_the_files_of_its_pattern_alone(write):
    head = write(AFFINE, AFFINE, (0, 0))
    mask = write(AFFINE, AFFINE, (0, 0), "sub-1_label-L_mask.nii.gz")

    trust_orientation([Trust("sform", "*_T1w*")])

    assert load_image(head).affine == pytest.approx(AFFINE)
    with pytest.raises(DataError, match="label-L_mask"):
        load_image(mask)
    assert len(trusted_notes([head, mask])) == 1


def test_a_header_that_is_clear_is_not_overruled(write):
    path = write(AFFINE, AFFINE, (1, 0))

    trust_orientation([Trust("RAS")])

    assert load_image(path).affine == pytest.approx(AFFINE)
    assert trusted_notes([path]) == []


def test_what_was_trusted_is_saved_clearly(write, tmp_path):
    path = write(AFFINE, MIRROR @ AFFINE)
    trust_orientation([Trust("qform")])
    save_image(load_image(path), tmp_path / "saved.nii.gz")
    trust_orientation(())

    assert load_image(tmp_path / "saved.nii.gz").affine == pytest.approx(MIRROR @ AFFINE)


def test_headers_of_real_images_are_clear(test_data):
    paths = [*test_data.rglob("*.nii.gz"), *test_data.rglob("*.nii")]
    assert len(paths) > 100

    assert trusted_notes(paths) == []
    for path in paths:
        if path.stat().st_size < 200_000:
            load_image(path)


DAMAGE = {
    "an unknown type of data": lambda plain: gzip.compress(
        plain[:70] + (9999).to_bytes(2, "little") + plain[72:]
    ),
    "a damaged stream": lambda plain: gzip.compress(plain)[:12] + b"\xff" * 60,
    "the first bytes": lambda plain: gzip.compress(plain)[:30],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_image_stops_nobody_who_only_looks_at_headers(write, damage):
    whole = write(AFFINE, AFFINE, name="sub-1_T1w.nii.gz")
    broken = whole.with_name("sub-2_T1w.nii.gz")
    broken.write_bytes(damage(gzip.decompress(whole.read_bytes())))
    trust_orientation([Trust("sform", "*")])

    assert trusted_notes([broken]) == []
    assert not same_place(broken, whole)
