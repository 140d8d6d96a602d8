from itertools import permutations

import numpy as np
import pytest

from motor_bids_app.mri.diffusion.axes import check_axes
from motor_bids_app.simulation.damage import Damage
from motor_bids_app.simulation.tensors import measures, tensor_field, unpack

SIZES = np.full(3, 2.0)


@pytest.fixture(scope="module")
def fibres():
    """Principal directions along the voxel axes (which are RAS), and FA, of a simulated brain."""
    tensors = tensor_field(None, Damage(0, 0, 0, 0), np.random.default_rng(0)).tensors
    return np.linalg.eigh(unpack(tensors))[1][..., -1], measures(tensors)[0]


def test_a_right_table_stays(fibres):
    check = check_axes(*fibres, SIZES, reversed_first=False)

    assert not check.is_wrong
    assert check.words == "unchanged"
    assert check.coherence == check.best


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("reversed_axis", [None, 0, 1, 2])
def test_planted_flips_and_exchanges_are_undone(fibres, order, reversed_axis):
    planted = np.eye(3)[:, list(order)]
    if reversed_axis is not None:
        planted[:, reversed_axis] *= -1
    directions, anisotropy = fibres

    check = check_axes(directions @ planted, anisotropy, SIZES, reversed_first=False)

    assert np.array_equal(np.abs(planted @ check.matrix), np.eye(3))
    assert abs(np.trace(planted @ check.matrix)) == 3  # the identity, or its opposite
    assert check.is_wrong == (check.words != "unchanged")


def test_the_frame_of_bvec_files_is_known(fibres):
    directions, anisotropy = fibres

    check = check_axes(directions * [-1, 1, 1], anisotropy, SIZES, reversed_first=True)

    assert not check.is_wrong


def test_too_few_fibres_give_no_verdict(fibres):
    directions, anisotropy = fibres

    assert check_axes(directions, 0.2 * anisotropy, SIZES, reversed_first=False) is None
