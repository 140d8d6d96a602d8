"""The first layers on the CPU, against the layers one by one."""

import copy

import pytest
import torch
from torch import Tensor, nn

from motor_bids_app.models.networks import stem as module
from motor_bids_app.models.networks.networks import ResidualBranch
from motor_bids_app.models.networks.stem import stem

SHAPES = [(9, 11, 10), (8, 7, 12), (3, 4, 3)]


@pytest.fixture(autouse=True)
def slabs_of_few_rows(monkeypatch):
    monkeypatch.setattr(module, "_SLAB", 200)


def layers() -> tuple[nn.Conv3d, nn.BatchNorm3d]:
    """A convolution and its normalisation, with values that training could have given."""
    torch.manual_seed(0)
    convolution, norm = nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4, eps=1e-3)
    with torch.no_grad():
        norm.weight.uniform_(-2, 2)
        norm.bias.normal_()
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return convolution, norm


def one_by_one(x: Tensor, convolution: nn.Conv3d, norm: nn.BatchNorm3d) -> Tensor:
    pooled = nn.AvgPool3d(3, 2, 1, count_include_pad=False)
    return pooled(torch.relu(norm(convolution(x))))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_output_is_that_of_the_layers_one_by_one(shape, training):
    convolution, norm = layers()
    norm.train(training)
    x = torch.randn(3, 1, *shape) + 0.3

    found = stem(x, convolution, copy.deepcopy(norm))

    torch.testing.assert_close(found, one_by_one(x, convolution, norm), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_the_layers_one_by_one(shape):
    convolution, norm = layers()
    x = torch.randn(3, 1, *shape) + 0.3
    learned = [convolution.weight, norm.weight, norm.bias]
    output = one_by_one(x, convolution, norm)
    weights = torch.randn_like(output)
    expected = torch.autograd.grad(output, learned, weights)

    found = torch.autograd.grad(stem(x, convolution, norm), learned, weights)

    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("shape", [(9, 11, 10), (17, 19, 18)])
def test_in_half_precision_it_errs_no_more_than_the_layers_do(shape):
    convolution, norm = layers()
    x = torch.randn(3, 1, *shape) + 0.3
    learned = [convolution.weight, norm.weight, norm.bias]
    exact = one_by_one(x, convolution, norm)
    weights = torch.randn_like(exact)
    exact = [exact, *torch.autograd.grad(exact, learned, weights)]

    def errors(layers_of):
        with torch.autocast("cpu", torch.bfloat16):
            output = layers_of(x, convolution, norm)
        found = [output, *torch.autograd.grad(output, learned, weights.to(output.dtype))]
        return [
            ((ours.float() - true).norm() / true.norm()).item()
            for ours, true in zip(found, exact, strict=True)
        ]

    for ours, theirs in zip(errors(stem), errors(one_by_one), strict=True):
        assert ours < max(1.5 * theirs, 0.01)  # rounding to 8 bits is 0.002


def test_running_statistics_are_updated_alike():
    convolution, norm = layers()
    other = copy.deepcopy(norm)
    x = torch.randn(3, 1, 9, 8, 7)
    stem(x, convolution, norm)
    one_by_one(x, convolution, other)
    for name, value in norm.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], atol=1e-5, rtol=1e-4)


def test_branch_gives_the_same_with_and_without_a_gradient_of_the_map():
    """The way of training and prediction is that of explanations, which go layer by layer."""
    branch = ResidualBranch((4, 4, 6, 8), n_residuals=1).eval()
    x = torch.randn(2, 1, 17, 19, 18)
    torch.testing.assert_close(branch(x), branch(x.clone().requires_grad_()), atol=1e-5, rtol=1e-4)
