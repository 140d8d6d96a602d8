"""Models that are fitted to many training sets at once, for benchmarks of many cohorts.

A training set is a mask of people: all fits of a cohort have one shape, and numpy solves them in
one call. `ladder` is the model of few columns of `models.tables.classical`, `kernel` that of
`models.tables.kernel` (its penalty chosen by leaving one out instead of by inner folds), `rbf` the
same with a radial kernel, `network` one hidden layer of 8, stopped after 120 steps of Adam.

Shapes: C cohorts, F training sets of each, n people, m people to predict, d columns.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
PENALTIES = (0.1, 1.0, 10.0)  # of kernels, for people at a mean square distance of 1
FREE = 100.0  # prior variance of an intercept
_NEWTON, _DONE, _NEAR = 25, 1e-7, 1e-4
_HIDDEN, _STEPS, _RATE, _DECAY = 8, 120, 0.03, 0.01
Model = Callable[[Floats, Floats, Floats, Floats, bool], Floats]


def ladder(x: Floats, y: Floats, train: Floats, new: Floats, classify: bool) -> Floats:
    """Predict by a logistic or linear regression with a ridge of one prior person.

    Parameters
    ----------
    x : array, shape (C, n, d)
    y : array, shape (C, n)
        1 and 0, or scores.
    train : array of 0 and 1, shape (C, F, n)
    new : array, shape (C, m, d)

    Returns
    -------
    array, shape (C, F, m)
        Probabilities of 1, or scores.
    """
    share = train / train.sum(axis=2, keepdims=True)
    mean = share @ x
    spread = np.sqrt(share @ x**2 - mean**2)
    z = (x[:, None] - mean[:, :, None]) / spread[:, :, None]
    z = np.concatenate([z, np.ones((*z.shape[:3], 1))], axis=3)
    ridge = np.diag([*[1.0] * x.shape[2], 1e-10])
    weights = np.zeros((*train.shape[:2], z.shape[3]))
    labels = y[:, None]
    for _ in range(_NEWTON if classify else 1):
        told = (z @ weights[..., None])[..., 0]
        p = expit(told) if classify else told
        curve = train * (p * (1 - p) if classify else 1.0)
        slope = (z * (train * (labels - p))[..., None]).sum(axis=2) - weights @ ridge
        step = np.linalg.solve(
            np.swapaxes(z * curve[..., None], 2, 3) @ z + ridge, slope[..., None]
        )
        weights = weights + step[..., 0]
        if np.abs(step).max() < _DONE:
            break
    alone = weights[..., :-1] / spread
    level = weights[..., -1] - (alone * mean).sum(axis=2)
    told = alone @ np.swapaxes(new, 1, 2) + level[..., None]
    return expit(told) if classify else told


def kernel(x: Floats, y: Floats, train: Floats, new: Floats, classify: bool) -> Floats:
    """Predict by a linear kernel machine; arguments and result as of `ladder`."""
    return _machine(x @ np.swapaxes(x, 1, 2), new @ np.swapaxes(x, 1, 2), y, train, classify)


def rbf(x: Floats, y: Floats, train: Floats, new: Floats, classify: bool) -> Floats:
    """Predict by a radial kernel machine; arguments and result as of `ladder`."""
    sizes, others = (x**2).sum(axis=2), (new**2).sum(axis=2)
    width = 2 * x.shape[2]  # mean square distance of people whose columns have unit variance
    within = sizes[:, :, None] + sizes[:, None] - 2 * x @ np.swapaxes(x, 1, 2)
    across = others[:, :, None] + sizes[:, None] - 2 * new @ np.swapaxes(x, 1, 2)
    return _machine(np.exp(-within / width), np.exp(-across / width), y, train, classify)


def _machine(gram: Floats, across: Floats, y: Floats, train: Floats, classify: bool) -> Floats:
    """Kernel machine on products of people, (C, n, n), and of new people with them, (C, m, n)."""
    share = train / train.sum(axis=2, keepdims=True)
    mean = share @ gram  # (C, F, n)
    centre = (mean * share).sum(axis=2)[..., None, None]
    inner = gram[:, None] - mean[..., None, :] - mean[..., :, None] + centre
    size = (share * np.einsum("cfii->cfi", inner)).sum(axis=2)[..., None, None]
    inner = inner / size
    level = (share * y[:, None]).sum(axis=2, keepdims=True)
    rest = train * (y[:, None] - level)
    both = train[..., :, None] * train[..., None, :]
    if classify:
        dual, level = _best_logistic(inner, y[:, None], train)
    else:
        penalty = _least_squares_penalty(inner * both, rest, train)
        dual = np.linalg.solve(inner * both + penalty * np.eye(y.shape[1]), rest[..., None])[..., 0]
    # Products of new people with centred ones, without an array of shape (C, F, m, n).
    products = dual @ np.swapaxes(across, 1, 2) - (share @ np.swapaxes(across, 1, 2)) * dual.sum(
        axis=2, keepdims=True
    )
    constant = (mean * dual).sum(axis=2) - centre[..., 0, 0] * dual.sum(axis=2)
    told = (products - constant[..., None]) / size[..., 0] + level
    return expit(told) if classify else told


def _least_squares_penalty(inner: Floats, rest: Floats, train: Floats) -> Floats:
    """Penalty with the least squared error when people are left out, shape (C, F, 1, 1)."""
    eye = np.eye(inner.shape[2])
    losses = []
    for penalty in PENALTIES:
        inverse = np.linalg.inv(inner + penalty * eye)
        errors = (inverse @ rest[..., None])[..., 0] / np.einsum("cfii->cfi", inverse)
        losses.append((train * errors**2).sum(axis=2))
    return np.array(PENALTIES)[np.argmin(losses, axis=0)][..., None, None]


def _best_logistic(inner: Floats, y: Floats, train: Floats) -> tuple[Floats, Floats]:
    """Dual weights and intercepts at the penalty with the least loss when people are left out."""
    found = [_logistic(inner / penalty, y, train) for penalty in PENALTIES]
    best = np.argmin([loss for *_, loss in found], axis=0)[..., None]
    duals = [dual / penalty for (dual, *_), penalty in zip(found, PENALTIES, strict=True)]
    chosen = [best == k for k in range(len(PENALTIES))]
    return np.select(chosen, duals), np.select(chosen, [level for _, level, _ in found])


def _logistic(inner: Floats, y: Floats, train: Floats) -> tuple[Floats, Floats, Floats]:
    """Dual weights (C, F, n), intercepts (C, F, 1) and losses (C, F) of logistic regressions.

    Newton's method of Rasmussen and Williams (2006, algorithm 3.1), where people of weight 0, who
    do not train, need no other shape; the intercept is a constant in the products. The loss is
    that of people left out, to the first order.
    """
    eye, products = np.eye(inner.shape[2]), inner + FREE
    told = np.zeros(train.shape)
    for _ in range(_NEWTON):
        p = expit(told)
        curve = train * p * (1 - p)
        root = np.sqrt(curve)
        goal = curve * told + train * (y - p)
        around = eye + root[..., :, None] * products * root[..., None, :]
        inside = root * (products @ goal[..., None])[..., 0]
        dual = goal - root * np.linalg.solve(around, inside[..., None])[..., 0]
        before, told = told, (products @ dual[..., None])[..., 0]
        if np.abs(told - before).max() < _NEAR:
            break
    columns = np.linalg.solve(around, root[..., :, None] * products)
    variance = np.einsum("cfii->cfi", products) - (
        (products * root[..., None, :]) * np.swapaxes(columns, 2, 3)
    ).sum(axis=3)
    alone = told - variance * (y - p) / np.maximum(1 - curve * variance, 1e-3)
    loss = (train * np.logaddexp(0, np.where(y == 1, -alone, alone))).sum(axis=2)
    return dual, FREE * dual.sum(axis=2, keepdims=True), loss


def network(x: Floats, y: Floats, train: Floats, new: Floats, classify: bool) -> Floats:
    """Predict by a network of one hidden layer; arguments and result as of `ladder`."""
    generator = np.random.default_rng(0)
    shape = train.shape[:2]
    share = train / train.sum(axis=2, keepdims=True)
    mean, level = share @ x, share @ y[..., None]  # (C, F, d), (C, F, 1)
    spread = np.sqrt(share @ x**2 - mean**2)
    scale = np.ones_like(level) if classify else np.sqrt(share @ y[..., None] ** 2 - level**2)
    if classify:
        level = np.zeros_like(level)
    z = ((x[:, None] - mean[:, :, None]) / spread[:, :, None]).astype(np.float32)
    goal = (y[:, None] - level) / scale
    first = generator.normal(size=(*shape, x.shape[2], _HIDDEN)) / np.sqrt(x.shape[2])
    weights = [
        first, np.zeros((*shape, 1, _HIDDEN)),
        generator.normal(size=(*shape, _HIDDEN, 1)) / np.sqrt(_HIDDEN), np.zeros((*shape, 1, 1)),
    ]  # fmt: skip
    weights = [one.astype(np.float32) for one in weights]
    moments = [np.zeros_like(one) for one in weights], [np.zeros_like(one) for one in weights]
    pull = (train / train.sum(axis=2, keepdims=True))[..., None].astype(np.float32)
    goal = goal[..., None].astype(np.float32)
    for step in range(1, _STEPS + 1):
        hidden = np.tanh(z @ weights[0] + weights[1])
        told = hidden @ weights[2] + weights[3]
        error = pull * ((expit(told) if classify else told) - goal)
        back = (error @ np.swapaxes(weights[2], 2, 3)) * (1 - hidden**2)
        slopes = [
            np.swapaxes(z, 2, 3) @ back, back.sum(axis=2, keepdims=True),
            np.swapaxes(hidden, 2, 3) @ error, error.sum(axis=2, keepdims=True),
        ]  # fmt: skip
        for k, slope in enumerate(slopes):
            full = slope + _DECAY * weights[k] * (k % 2 == 0)
            moments[0][k] = 0.9 * moments[0][k] + 0.1 * full
            moments[1][k] = 0.999 * moments[1][k] + 0.001 * full**2
            rise = np.sqrt(moments[1][k] / (1 - 0.999**step)) + 1e-8
            weights[k] = weights[k] - _RATE * moments[0][k] / (1 - 0.9**step) / rise
    told = np.empty((*shape, new.shape[1]))
    for k in range(shape[1]):
        seen = (new - mean[:, k, None]) / spread[:, k, None]
        hidden = np.tanh(seen.astype(np.float32) @ weights[0][:, k] + weights[1][:, k])
        told[:, k] = (hidden @ weights[2][:, k] + weights[3][:, k])[..., 0]
    return expit(told) if classify else told * scale + level


MODELS: dict[str, Model] = {"ladder": ladder, "kernel": kernel, "rbf": rbf, "network": network}
