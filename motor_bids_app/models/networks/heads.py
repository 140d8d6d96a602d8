"""What comes out of a network: its last layer, its loss, and one number per scan to explain.

Bounded scores: a logistic curve stretched over the range of the score, so that no prediction can
leave it. Ordered classes: cumulative logits with one weight vector (CORAL; Cao, Mirjalili and
Raschka 2020, Pattern Recognit Lett 140:325), whose thresholds are ordered by construction.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus

from motor_bids_app.errors import DataError

_NEAR = 0.02  # of the range, or of people: how close to an end training may start


class WeightedLoss(nn.Module):
    """Cross-entropy of two classes, each scan at the weight of its class; mean over scans.

    As in Keras, the sum is divided by the number of scans. torch's own is divided by their
    weights, which then cancel in a batch of one class, and mostly do in one of few scans.
    """

    def __init__(self, weights: ArrayLike) -> None:
        super().__init__()
        self.weights: Tensor
        self.register_buffer("weights", torch.tensor(np.asarray(weights, dtype=np.float32)))

    def forward(self, logits: Tensor, classes: Tensor) -> Tensor:
        """Return the loss of `logits`, (n, 2), for classes 0 and 1, (n,)."""
        losses = cross_entropy(logits, classes, reduction="none")
        return (self.weights[classes] * losses).mean()


class OrderedOutput(nn.Module):
    """Log odds of being above each threshold: (n, n_features) to (n, n_thresholds), falling.

    Parameters
    ----------
    n_features, n_thresholds : int
    """

    def __init__(self, n_features: int, n_thresholds: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(n_features, 1, bias=False)
        self.first = nn.Parameter(torch.zeros(1))
        self.gaps = nn.Parameter(torch.zeros(n_thresholds - 1))  # softplus of them is subtracted

    def forward(self, features: Tensor) -> Tensor:
        """Return log odds, those of a higher threshold never above those of a lower one."""
        below = torch.cat([torch.zeros_like(self.first), softplus(self.gaps).cumsum(0)])
        return self.weigh(features) + self.first - below

    def reset_parameters(self) -> None:
        """Forget the thresholds; the weights are reset by their own layer."""
        with torch.no_grad():
            self.first.zero_()
            self.gaps.zero_()

    def start(self, shares: Sequence[float]) -> None:
        """Begin with these shares of people above each threshold, which fall."""
        odds = logit(np.clip(shares, _NEAR, 1 - _NEAR))
        gaps = np.maximum(-np.diff(odds), 0.05)
        with torch.no_grad():
            self.first.fill_(float(odds[0]))
            self.gaps.copy_(torch.from_numpy(np.log(np.expm1(gaps))))


class OrderedLoss(nn.Module):
    """Sum over thresholds of the cross-entropy of being above; mean over scans."""

    def forward(self, odds: Tensor, classes: Tensor) -> Tensor:
        """Return the loss of `odds`, (n, n_thresholds), for class numbers, (n,)."""
        thresholds = torch.arange(odds.shape[1], device=odds.device)
        above = (classes[:, None] > thresholds).float()
        return binary_cross_entropy_with_logits(odds, above, reduction="sum") / len(odds)


class BoundedLoss(nn.Module):
    """Mean squared error of bounded scores, in variances of the training scores."""

    def __init__(self, bounds: tuple[float, float], centre: float, scale: float) -> None:
        super().__init__()
        self.low, self.high = bounds
        self.centre, self.scale = centre, scale

    def forward(self, outputs: Tensor, scores: Tensor) -> Tensor:
        """Return the loss of `outputs`, (n, 1), for scores in their unit, (n, 1)."""
        given = self.low + (self.high - self.low) * torch.sigmoid(outputs + self.centre)
        return ((given - scores) / self.scale).square().mean()


def check_bounds(scores: NDArray[np.float64], bounds: tuple[float, float]) -> None:
    """Raise DataError if a score is outside its range."""
    outside = scores[(scores < bounds[0]) | (scores > bounds[1])]
    if len(outside):
        raise DataError(
            f"{len(outside)} scores are outside {bounds[0]:g} to {bounds[1]:g}, such as "
            f"{outside[0]:g}. Correct them, or leave these people out."
        )


def bounded_start(scores: NDArray[np.float64], bounds: tuple[float, float]) -> float:
    """Log odds of the mean score within its range: what an output of 0 stands for."""
    low, high = bounds
    return float(logit(np.clip((scores.mean() - low) / (high - low), _NEAR, 1 - _NEAR)))


def bounded(
    outputs: NDArray[np.float64], bounds: tuple[float, float], centre: float
) -> NDArray[np.float64]:
    """Scores that outputs of a bounded network stand for, the same shape."""
    return np.asarray(bounds[0] + (bounds[1] - bounds[0]) * expit(outputs + centre))


class LogOdds(nn.Module):
    """Log odds of the poor class, from two logits."""

    def forward(self, outputs: Tensor) -> Tensor:
        """Return shape (n,) from (n, 2)."""
        return outputs[:, 1] - outputs[:, 0]


class Points(nn.Module):
    """Points of the score from the mean of the training fold, from an output without bounds."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, outputs: Tensor) -> Tensor:
        """Return shape (n,) from (n, 1)."""
        return outputs[:, 0] * self.scale


class BoundedPoints(nn.Module):
    """Points of a bounded score from its lowest value."""

    def __init__(self, bounds: tuple[float, float], centre: float) -> None:
        super().__init__()
        self.width, self.centre = bounds[1] - bounds[0], centre

    def forward(self, outputs: Tensor) -> Tensor:
        """Return shape (n,) from (n, 1)."""
        return self.width * torch.sigmoid(outputs[:, 0] + self.centre)


class ExpectedClass(nn.Module):
    """Expected number of the class: the sum of the probabilities of being above thresholds."""

    def forward(self, outputs: Tensor) -> Tensor:
        """Return shape (n,) from (n, n_thresholds)."""
        return torch.sigmoid(outputs).sum(dim=1)
