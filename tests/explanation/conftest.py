"""A module whose output is known in closed form, and the demographics it ignores."""

import numpy as np
import pytest
import torch
from torch import nn

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
