import numpy as np
import pytest

from motor_bids_app.simulation import tensors
from motor_bids_app.simulation.damage import Damage
from motor_bids_app.spaces.atlases import juelich_tract

FIBRE = np.array([1, 2, 2]) / 3
DYAD = np.array([FIBRE[i] * FIBRE[j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))])


@pytest.fixture(scope="module")
def healthy():
    return tensors.tensor_field(None, Damage(), np.random.default_rng(0))


def tract(side):
    probability = np.asarray(juelich_tract(2)[side].dataobj)
    return probability > 0.6 * probability.max()


@pytest.mark.parametrize("fa", [0.0, 0.15, 0.5, 0.9])
def test_tensor_has_the_anisotropy_size_and_axis_asked_for(fa):
    tensor = tensors.cylinders(DYAD[:, None], np.array([fa]), np.array([8e-4]))

    values, vectors = np.linalg.eigh(tensors.unpack(tensor)[0].astype(np.float64))
    spread = np.sqrt(1.5 * ((values - values.mean()) ** 2).sum() / (values**2).sum())
    assert spread == pytest.approx(fa, abs=1e-3)
    assert values.mean() == pytest.approx(8e-4)
    if fa:
        assert abs(vectors[:, -1] @ FIBRE) == pytest.approx(1)


def test_measures_agree_with_eigenvalues(healthy):
    some = healthy.tensors[:, 40:44, 50:54, 40:44]
    values = np.linalg.eigvalsh(tensors.unpack(some).astype(np.float64))

    fa, md = tensors.measures(some)

    deviation = values - values.mean(axis=-1, keepdims=True)
    expected = np.sqrt(1.5 * (deviation**2).sum(axis=-1) / (values**2).sum(axis=-1))
    np.testing.assert_allclose(fa, expected, atol=1e-4)
    np.testing.assert_allclose(md, values.mean(axis=-1), rtol=1e-5)


def test_weights_give_diffusivity_along_a_direction():
    tensor = tensors.cylinders(DYAD[:, None], np.array([0.7]), np.array([8e-4]))
    direction = np.array([0.6, 0, 0.8])

    along = tensors.weights(direction[None]) @ tensor

    assert along.item() == pytest.approx(direction @ tensors.unpack(tensor)[0] @ direction)


def test_fibres_of_the_corticospinal_tract_go_up(healthy):
    vectors = np.linalg.eigh(tensors.unpack(healthy.tensors[:, tract("left")]))[1]

    assert np.abs(vectors[:, 2, -1]).mean() > 0.8


def test_fibres_of_the_callosum_cross_the_midline(healthy):
    middle = healthy.tensors[:, 45]  # x = 0
    fa = tensors.measures(middle)[0]
    strongest = np.unravel_index(fa.argmax(), fa.shape)

    vector = np.linalg.eigh(tensors.unpack(middle[:, *strongest]))[1][:, -1]

    assert abs(vector[0]) > 0.9


def test_degeneration_lowers_anisotropy_of_one_tract_only(patient):
    scans = [
        tensors.tensor_field(patient.lesion, Damage(degeneration=loss), np.random.default_rng(0))
        for loss in (0.0, 1.0)
    ]
    side = patient.lesion_side
    other = {"left": "right", "right": "left"}[side]
    before, after = (tensors.measures(scan.tensors)[0] for scan in scans)

    spared = tract(side) & ~scans[0].lesion
    assert after[spared].mean() < 0.75 * before[spared].mean()
    np.testing.assert_allclose(after[tract(other)], before[tract(other)], rtol=1e-5)


def test_lesion_is_isotropic_and_swollen(patient):
    field = tensors.tensor_field(patient.lesion, patient.damage, np.random.default_rng(0))

    fa, md = tensors.measures(field.tensors[:, field.lesion])

    assert fa.max() < 0.1
    assert md.min() > 1.5e-3
