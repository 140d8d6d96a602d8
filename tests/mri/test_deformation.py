import numpy as np
import pytest
import torch

from motor_bids_app.mri.deformation import Match, deform, local_correlation
from motor_bids_app.mri.sampling import as_volume, sample, smooth, voxel_grid
from motor_bids_app.spaces.templates import load_template

LEVELS = ((2, 30), (1, 10))


@pytest.fixture(scope="module")
def fixed():
    return as_volume(np.asarray(load_template("T1w", 4).dataobj))


@pytest.fixture(scope="module")
def truth(fixed):
    """Displacement in voxels, up to 2, smooth, that leads from the fixed to a moving image."""
    noise = torch.randn(3, *fixed.shape[1:], generator=torch.Generator().manual_seed(1))
    field = smooth(noise, 4.0)
    return 2 * field / field.square().sum(0).max().sqrt()


def moving_image(fixed, truth):
    """Image in which fixed voxel x is found at x + truth(x)."""
    grid = voxel_grid(tuple(fixed.shape[1:]))
    back = torch.zeros_like(truth)
    for _ in range(30):
        back = -sample(truth, grid + back, padding="border")
    return sample(fixed, grid + back)


def error(found, truth, fixed):
    return (found - truth).square().sum(0).sqrt()[fixed[0] > 0.3]


@pytest.mark.parametrize("contrast", [lambda v: v, lambda v: 1.1 - v])
def test_a_smooth_deformation_is_found_in_any_contrast(fixed, truth, contrast):
    moving = contrast(moving_image(fixed, truth))

    found = deform(Match(fixed, moving, torch.ones_like(moving)), LEVELS)

    unregistered = error(torch.zeros_like(truth), truth, fixed).mean()
    assert error(found, truth, fixed).mean() < 0.45 * unregistered


def test_correlation_grows_to_nearly_one(fixed, truth):
    match = Match(fixed, moving_image(fixed, truth), torch.ones_like(fixed))
    brain = fixed > 0.3

    before = local_correlation(match, torch.zeros_like(truth))[brain].mean()
    after = local_correlation(match, deform(match, LEVELS))[brain].mean()

    assert 1 - after < 0.5 * (1 - before)


def test_the_deformation_does_not_fold(fixed, truth):
    match = Match(fixed, moving_image(fixed, 2 * truth), torch.ones_like(fixed))

    found = deform(match, LEVELS)

    jacobian = torch.stack([torch.stack(torch.gradient(one)) for one in found])
    jacobian += torch.eye(3).view(3, 3, 1, 1, 1)
    assert torch.linalg.det(jacobian.permute(2, 3, 4, 0, 1)).min() > 0


def bump(shape):
    """Displacement that is widest in the middle of what will be a lesion, and the lesion."""
    grid = voxel_grid(shape)
    distance = (grid - torch.tensor([16.0, 28, 21]).view(3, 1, 1, 1)).square().sum(0)
    truth = torch.zeros_like(grid)
    truth[1] = 2 * torch.exp(-distance / (2 * 8**2))
    return truth, distance < 4**2


def test_left_out_voxels_are_continued_from_around(fixed):
    truth, lesion = bump(tuple(fixed.shape[1:]))
    weight = 1 - lesion.float()[None]
    spoilt = torch.where(lesion, 1.3, moving_image(fixed, truth))  # brighter than anything else

    found = deform(Match(fixed, spoilt, weight), LEVELS)

    assert (found - truth).square().sum(0).sqrt()[lesion].mean() < 0.5 * truth[1][lesion].mean()


def test_left_out_voxels_that_look_like_another_place_do_not_pull(fixed):
    truth, lesion = bump(tuple(fixed.shape[1:]))
    weight = 1 - lesion.float()[None]
    moving = moving_image(fixed, truth)
    spoilt = torch.where(lesion, moving.roll(3, 1), moving)

    masked = deform(Match(fixed, spoilt, weight), LEVELS)
    unmasked = deform(Match(fixed, spoilt, torch.ones_like(weight)), LEVELS)

    errors = [(u - truth).square().sum(0).sqrt()[lesion].mean() for u in (masked, unmasked)]
    assert errors[0] < 0.7 * errors[1]


def test_a_coarse_result_is_given_on_the_full_grid(fixed, truth):
    match = Match(fixed, moving_image(fixed, truth), torch.ones_like(fixed))

    found = deform(match, LEVELS[:1])

    assert found.shape == truth.shape
    assert error(found, truth, fixed).mean() < 0.6 * error(0 * truth, truth, fixed).mean()
