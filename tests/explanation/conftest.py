"""A module whose output is known in closed form, and maps in states of known timing."""

import numpy as np
import pytest
import torch
from torch import nn

from motor_bids_app.explanation.medians import Windows

SHAPE = (6, 5, 4)


class Known(nn.Module):
    """Sum of weights times maps, plus a product of two voxels."""

    def __init__(self, weights: np.ndarray, product: float = 0.0) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights.astype(np.float32)))
        self.product = product

    def forward(self, maps, demographics):
        linear = (maps * self.weights).sum(dim=(1, 2, 3, 4))
        return linear + self.product * maps[:, 0, 0, 0, 0] * maps[:, 0, 1, 1, 1]


@pytest.fixture
def known():
    return Known


@pytest.fixture
def weights():
    return np.random.default_rng(0).normal(size=(2, *SHAPE))


@pytest.fixture
def people():
    random = np.random.default_rng(1)
    maps = random.normal(size=(3, 2, *SHAPE)).astype(np.float32)
    return torch.from_numpy(maps), torch.zeros(3, 1)


def make_windows(values, people, numbers):
    return Windows(lambda part: values[:, part], values.shape[1], people, numbers)


@pytest.fixture
def make():
    return make_windows


@pytest.fixture(scope="session")
def planted():
    """Maps of 12 people in three states of known timing, each with a pattern of its own."""
    rng = np.random.default_rng(0)
    n_people, length, n_voxels = 12, 60, 400
    patterns = rng.normal(0, 0.5, (3, n_voxels))
    own = rng.normal(0, 0.15, (n_people, n_voxels))
    truth = np.concatenate(
        [np.repeat(rng.permutation(3)[[0, 1, 2, 0, 1]], 12) for _ in range(n_people)]
    )
    people = np.repeat(np.arange(n_people), length)
    strength = 1 + 0.3 * np.sin(np.arange(len(truth)) * 2 * np.pi / 6)  # maxima of the variance
    values = patterns[truth] * strength[:, None] + own[people]
    values += rng.normal(0, 0.2, values.shape)
    numbers = np.tile(np.arange(length), n_people)
    return values.astype(np.float32), people, numbers, truth
