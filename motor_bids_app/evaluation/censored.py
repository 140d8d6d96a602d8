"""A line through values of which some are only known to be at least what they are."""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_EXACT = 1e-6  # of the largest value: spread of residuals that is rounding


def censored_slope(x: Floats, y: Floats, at_least: Flags) -> tuple[float, float]:
    """Slope of y on x, and half its 95 % interval, where some values are lower limits.

    Maximum likelihood with normal errors (Tobin, Econometrica 26:24-36, 1958), in the parameters
    of Olsen (Econometrica 46:1211-1215, 1978), in which there is one maximum. The variance is the
    sandwich with the weights of HC3, as spreads differ; without lower limits slope and interval
    are those of least squares.

    Parameters
    ----------
    x, y : array, shape (n,)
        x varies among the values that are known.
    at_least : array of bool, shape (n,)
        Whose y is a lower limit.
    """
    line = np.column_stack([np.ones_like(x), x - x.mean()])
    fitted = np.linalg.lstsq(line[~at_least], y[~at_least], rcond=None)[0]
    spread = float((y - line @ fitted)[~at_least].std())
    if spread <= _EXACT * float(np.abs(y).max()):  # on a line: its likelihood has no limit
        return float(fitted[1]), 0.0
    found = optimize.minimize(
        _loss,
        np.append(fitted, 1) / spread,
        args=(line, y, at_least),
        jac=lambda *of: -_scores(*of).sum(axis=0),
        hess=_curvature,
        method="trust-exact",
    )
    variance = _sandwich(found.x, line, y, at_least)
    slope, inverse = found.x[1] / found.x[2], 1 / found.x[2]
    of_slope = np.array([0, inverse, -slope * inverse])  # derivative by the parameters
    error = np.sqrt(of_slope @ variance @ of_slope)
    return float(slope), float(stats.t.ppf(0.975, len(x) - 2) * error)


def _residuals(parameters: Floats, line: Floats, y: Floats) -> Floats:
    """Residuals over their spread; the parameters are the line and 1, over the spread too."""
    return np.asarray(parameters[2] * y - line @ parameters[:2])


def _loss(parameters: Floats, line: Floats, y: Floats, at_least: Flags) -> float:
    """Minus the log likelihood, without constants."""
    if parameters[2] <= 0:
        return np.inf
    u = _residuals(parameters, line, y)
    known = np.log(parameters[2]) - u**2 / 2
    return -float(np.where(at_least, special.log_ndtr(-u), known).sum())


def _hazard(u: Floats) -> Floats:
    """Density of the normal distribution over what lies above."""
    return np.asarray(np.exp(-(u**2) / 2 - special.log_ndtr(-u)) / np.sqrt(2 * np.pi))


def _scores(parameters: Floats, line: Floats, y: Floats, at_least: Flags) -> Floats:
    """Derivative of each log likelihood by the parameters, shape (n, 3)."""
    u = _residuals(parameters, line, y)
    scores = -np.where(at_least, _hazard(u), u)[:, None] * np.column_stack([-line, y])
    scores[~at_least, 2] += 1 / parameters[2]
    return scores


def _weights(parameters: Floats, line: Floats, y: Floats, at_least: Flags) -> Floats:
    """How much each value says of the line: 1 if it is known."""
    u = _residuals(parameters, line, y)
    return np.where(at_least, _hazard(u) * (_hazard(u) - u), 1.0)


def _curvature(parameters: Floats, line: Floats, y: Floats, at_least: Flags) -> Floats:
    """Second derivative of the loss, shape (3, 3)."""
    design = np.column_stack([-line, y])
    weights = _weights(parameters, line, y, at_least)
    curvature = (design * weights[:, None]).T @ design
    curvature[2, 2] += (~at_least).sum() / parameters[2] ** 2
    return np.asarray(curvature)


def _sandwich(parameters: Floats, line: Floats, y: Floats, at_least: Flags) -> Floats:
    """Variance of the parameters that holds where spreads differ, shape (3, 3)."""
    weighted = line * np.sqrt(_weights(parameters, line, y, at_least))[:, None]
    leverage = (weighted @ np.linalg.inv(weighted.T @ weighted) * weighted).sum(axis=1)
    scores = _scores(parameters, line, y, at_least) / np.maximum(1 - leverage, 1e-12)[:, None]
    bread = np.linalg.inv(_curvature(parameters, line, y, at_least))
    return np.asarray(bread @ scores.T @ scores @ bread)
