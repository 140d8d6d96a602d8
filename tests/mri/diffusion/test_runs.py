import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.runs import join_runs, why_apart

AXES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
SIDECAR = {"PhaseEncodingDirection": "j-", "TotalReadoutTime": 0.05, "EchoTime": 0.09}


def run(gain=1.0, shift=0.0, shape=(6, 6, 6)):
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[0, 3] = shift
    values = gain * np.random.default_rng(0).uniform(100, 200, (*shape, 1)) * [1, 0.5, 0.6, 0.7]
    table = GradientTable(np.array([0.0, 1000, 1000, 1000]), AXES)
    return nib.Nifti1Image(values.astype(np.float32), affine), table


def test_runs_are_put_behind_each_other_with_their_gradients():
    image, table = join_runs([run(), run()])

    assert image.shape == (6, 6, 6, 8)
    np.testing.assert_array_equal(table.bvals, [0, 1000, 1000, 1000] * 2)
    np.testing.assert_array_equal(table.bvecs[4:], AXES)


def test_the_gain_of_a_run_does_not_matter():
    image, _ = join_runs([run(), run(gain=3.0)])

    values = np.asarray(image.dataobj)
    np.testing.assert_allclose(values[..., 4:], values[..., :4], rtol=1e-5)


@pytest.mark.parametrize(
    ("other", "change", "reason"),
    [
        (run(), {}, ""),
        (run(), {"PhaseEncodingDirection": "j"}, "PhaseEncodingDirection"),
        (run(), {"EchoTime": 0.07}, "EchoTime"),
        (run(), {"TotalReadoutTime": 0.08}, "TotalReadoutTime"),
        (run(shift=3.0), {}, "lies elsewhere"),
        (run(shape=(6, 6, 5)), {}, "another grid"),
    ],
)
def test_only_runs_of_one_protocol_belong_together(other, change, reason):
    found = why_apart(run()[0], SIDECAR, other[0], SIDECAR | change)

    assert found == reason or (reason and reason in found)
