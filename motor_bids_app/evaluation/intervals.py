"""95 % intervals of cross-validated metrics.

In cross-validation the people who are tested also train: by chance they push the metric twice the
same way, which a bootstrap of the predictions, DeLong, or a binomial interval cannot see. How
much this adds follows from the folds alone (`coupling`). The intervals here are of distributions
with that variance.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from motor_bids_app.evaluation.statistics import LEVEL, MIN_SPLITS

Floats = NDArray[np.float64]
Limits = tuple[float, float]
# Squared CV of |z| and z², where errors z have tails between those of normal (0.57, 2) and of
# double exponential (1, 5) distributions.
TYPICAL = {"mae": 0.75, "rmse": 3.0}
_PRIOR = 10  # people with such errors, added to few whose tails are little known
_EDGE = 1e-9
_LEAST_SPREAD = 1e-3  # of log odds, from which on a model says different things of people
_NO_END = 20.0  # times the slope
_AGREEMENT = 16.0  # see `_error_of_training`


def coupling(folds: NDArray[np.int64]) -> float:
    """Variance of a metric by chance, over that in as many people who do not train.

    A model that scores person i by training people j with weights K_ij (any linear kernel) has
    the statistic T = sum of b_ij K_ij y_i y_j, where b_ij is how often i is tested by a model
    that learned from j. Without signal its variance is that of the pairs (b_ij + b_ji) K_ij,
    instead of b_ij K_ij with other people's y_j: 2 for one cross-validation or for sites left
    out, about 1.6 for five folds many times repeated, 1 for one test set.

    Parameters
    ----------
    folds : array of int, shape (R, n)
        As of `Predictions`.

    Examples
    --------
    >>> coupling(np.array([[1, 1, 2, 2]])), coupling(np.array([[1, 1, 0, 0]]))
    (2.0, 1.0)
    """
    tested = folds > 0
    trained = np.zeros((folds.shape[1],) * 2)
    for fold, is_tested in zip(folds, tested, strict=True):
        trained += is_tested[:, None] & (fold[:, None] != fold[None])
    trained /= len(folds)
    independent = float((tested.mean(axis=0)[:, None] * trained).sum())
    return float(np.square(trained + trained.T).sum() / 2 / independent) if independent else 1.0


def pair_variance(auc: float, pairs: Floats) -> float:
    """Sampling variance of an AUC over pairs of people that are not all compared equally often.

    Hanley and McNeil (1982, Radiology 143:29), with the correction of Newcombe (2006, Stat Med
    25:559, method 5) that treats both classes alike: without it, few people of the class with
    the wider scores are taken for more than they are.

    Parameters
    ----------
    auc : float
    pairs : array, shape (n_poor, n_good)
        How often each pair was compared.
    """
    shares = pairs / pairs.sum()
    once = float(np.square(shares).sum())
    with_poor, with_good = (float(np.square(shares.sum(axis=k)).sum()) - once for k in (1, 0))
    alike = (auc / (2 - auc) + 2 * auc**2 / (1 + auc)) / 2 - auc**2
    return auc * (1 - auc) * once + alike * (with_poor + with_good)


def coupled_variance(auc: float, pairs: Floats, coupled: float) -> float:
    """`pair_variance` in cross-validation: more by `coupling` at chance, less so far from it."""
    return pair_variance(auc, pairs) * (1 + (coupled - 1) * 4 * auc * (1 - auc))


def auc_interval(auc: float, pairs: Floats, coupled: float, level: float = LEVEL) -> Limits:
    """Values of the AUC under which the one found is no surprise.

    The estimate is taken to follow a beta distribution, which knows that it cannot leave 0 to 1,
    with the variance `coupled_variance`. A continuity correction lies between half a pair and half
    a person.

    Parameters
    ----------
    auc : float
        As found, over the pairs.
    pairs : array, shape (n_poor, n_good)
        How often each pair was compared.
    coupled : float
        See `coupling`.
    """
    few, many = sorted(pairs.shape)
    step, tail = 0.5 / (few * np.sqrt(many)), (1 - level) / 2

    def shape(truth: float) -> tuple[float, float]:
        people = max(truth * (1 - truth) / coupled_variance(truth, pairs, coupled) - 1, _EDGE)
        return truth * people, (1 - truth) * people

    def as_high(truth: float) -> float:
        return float(stats.beta.sf(auc - step, *shape(truth))) - tail

    def as_low(truth: float) -> float:
        return float(stats.beta.cdf(auc + step, *shape(truth))) - tail

    low = 0.0 if auc <= step else optimize.brentq(as_high, _EDGE, min(auc, 1 - _EDGE))
    high = 1.0 if auc >= 1 - step else optimize.brentq(as_low, max(auc, _EDGE), 1 - _EDGE)
    return float(low), float(high)


def share_interval(share: float, n: float, coupled: float, level: float = LEVEL) -> Limits:
    """Interval of a share of n people by Wilson's score, wider by `coupling` as an AUC's is."""
    people = n / (1 + (coupled - 1) * 4 * share * (1 - share))
    z = stats.norm.isf((1 - level) / 2)
    centre = (share + z**2 / (2 * people)) / (1 + z**2 / people)
    spread = np.sqrt(share * (1 - share) / people + z**2 / (4 * people**2))
    half = z * spread / (1 + z**2 / people)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def balanced_interval(
    shares: tuple[float, float], counts: tuple[float, float], coupled: float, level: float = LEVEL
) -> Limits:
    """Interval of the mean of two shares, of other people each (Zou and Donner 2008).

    Parameters
    ----------
    shares : (float, float)
        Sensitivity and specificity.
    counts : (float, float)
        Poor and good people, see `people_behind`.
    """
    mean = sum(shares) / 2
    limits = [share_interval(one, n, coupled, level) for one, n in zip(shares, counts, strict=True)]
    apart = np.array(limits) - np.array(shares)[:, None]  # rows are shares, columns low and high
    down, up = np.sqrt(np.square(apart).sum(axis=0)) / 2
    return float(max(0.0, mean - down)), float(min(1.0, mean + up))


def correlation_interval(
    r: float, n: int, coupled: float, unsteady: float = 0.0, level: float = LEVEL
) -> Limits:
    """Interval of a correlation of n people by Fisher's z, wider by `coupling`.

    `unsteady` is the variance of z by whom a model learned from: between repeats.
    """
    z = np.arctanh(np.clip(r, -1 + _EDGE, 1 - _EDGE))
    half = stats.norm.isf((1 - level) / 2) * np.sqrt(coupled / max(n - 3, 1) + unsteady)
    return float(np.tanh(z - half)), float(np.tanh(z + half))


def error_interval(
    metric: str,
    value: float,
    values: Floats,
    folds: NDArray[np.int64],
    truth: Floats,
    level: float = LEVEL,
) -> Limits:
    """Interval of a mean error, or of R².

    Two sources are added: how errors differ between people, and how those of the same people
    differ with whom a model learned from. A mean of few, some of them large, is skewed: it is
    taken to follow a gamma distribution with that variance, which is enlarged as Student's t is.

    Parameters
    ----------
    metric : str
        "mae", "rmse", "brier" (mean square) or "r2" (1 - mean square / variance).
    value : float
        The metric.
    values, folds : array, shape (R, n)
        As of `Predictions`, with two people or more.
    truth : array, shape (n,)
    """
    errors = np.where(folds > 0, values - truth, np.nan)
    losses = np.abs(errors) if metric == "mae" else np.square(errors)
    n, times = len(truth), (folds > 0).sum(axis=0)
    mean, by_person = float(np.nanmean(losses)), np.nanmean(losses, axis=0)
    relative = times / times.mean() * (by_person / mean - 1)
    if metric == "r2":
        deviations = np.square(truth - truth.mean())
        relative = relative - (deviations / deviations.mean() - 1)
    people = float(np.square(relative).sum() / (n - 1))
    if metric in TYPICAL:
        people = (n * people + _PRIOR * TYPICAL[metric]) / (n + _PRIOR)
    of_training = _spread_of_splits(losses - by_person, folds) / mean**2
    if np.isnan(of_training):
        of_training = _error_of_training(values, folds, truth) / (4 if metric == "mae" else 1)
    tail = (1 - level) / 2
    known = float(stats.norm.isf(tail) / stats.t.isf(tail, n - 1)) ** 2
    freedom = 2 * known / max(people / n + of_training, _EDGE)
    low, high = (freedom / float(stats.chi2.isf(side, freedom)) for side in (tail, 1 - tail))
    if metric == "r2":
        return 1 - (1 - value) * high, 1 - (1 - value) * low
    power = 0.5 if metric == "rmse" else 1.0
    return value * low**power, value * high**power


def jackknife_half_width(without_one: Floats, coupled: float, level: float = LEVEL) -> float:
    """Half-width of the interval of an estimate with two parameters, by leaving people out.

    Parameters
    ----------
    without_one : array, shape (n,)
        The estimate without each person; NaN, where that leaves one class, is not counted.
    coupled : float
        See `coupling`; it enters in full and not as a root, because the model that is finally
        trained varies with the same people.
    """
    known = without_one[np.isfinite(without_one)]
    n = len(known)
    if n < 3:
        return np.nan
    error = np.sqrt((n - 1) / n * np.square(known - known.mean()).sum())
    return float(stats.t.isf((1 - level) / 2, n - 2) * coupled * error)


def slope_interval(
    slope: float, without_one: Floats, coupled: float, spreads: Floats, level: float = LEVEL
) -> Limits:
    """Interval of a calibration slope: what people make of it, and what the models do.

    A model with a strong penalty says nearly the same of everybody: its log odds differ little,
    and its slope is great. Which penalty is chosen depends on whom a model learned from, and the
    final one may have another than those tested. The upper end is stretched by how far the spread
    of log odds of one more model may lie below those of the test sets, beyond what few people in
    them explain; from a factor of `_NO_END` on it is infinite.

    Parameters
    ----------
    slope, without_one, coupled
        As of `jackknife_half_width`. The coupling enters as a root below: how models vary is
        counted. Above it enters in full: slopes of those who also train for the others are too
        low on average, as models learn the opposite of what is peculiar to the people left out.
    spreads : array, shape (n_sets, 2)
        Standard deviation of log odds and number of people, of test sets of two or more.
    """
    half = jackknife_half_width(without_one, 1.0, level)
    low, high = slope - np.sqrt(coupled) * half, slope + coupled * half
    if len(spreads) < 2 or not np.isfinite(half):
        return low, high
    sizes = np.log(np.maximum(spreads[:, 0], _LEAST_SPREAD))
    by_few = float(np.mean(0.5 / (spreads[:, 1] - 1)))
    excess = max(0.0, float(sizes.var(ddof=1)) - by_few) * (1 + 1 / len(sizes))
    reach = float(stats.t.isf(1 - level, len(sizes) - 1) * np.sqrt(excess))
    if reach > np.log(_NO_END):
        return low, np.inf
    return low, high * float(np.exp(reach if high > 0 else -reach))


def _spread_of_splits(excess: Floats, folds: NDArray[np.int64]) -> float:
    """Variance between test sets of what people lost there more than on average.

    The average has the set itself among the repeats, for which it is corrected. NaN of few sets.
    """
    means = [
        float(own[fold == k].mean())
        for own, fold in zip(excess, folds, strict=True)
        for k in np.unique(fold[fold > 0])
    ]
    repeats = len(folds)
    if repeats < 2 or len(means) < MIN_SPLITS:
        return np.nan
    return float(np.var(means)) * repeats / (repeats - 1)


def _error_of_training(values: Floats, folds: NDArray[np.int64], truth: Floats) -> float:
    """Squared CV of a mean squared error by whom the model learned from, of one cross-validation.

    Where each person was tested once, people and models cannot be told apart. The regression of
    the truth on the predictions says which part of their variance is noise of the training; that
    noise meets the errors of the same people twice (`coupling`) in the estimate, and again in
    the error of the model that is finally trained on them.
    """
    tested = folds > 0
    told, known = values[tested], np.broadcast_to(truth, values.shape)[tested]
    squares = float(np.square(known - told).mean())
    told = told - told.mean()
    spread = float(np.square(told).sum())
    follows = np.clip((told @ (known - known.mean())) / spread, 0, 1) if spread else 1.0
    noise = (1 - follows) * spread / len(told)
    return float(_AGREEMENT * (coupling(folds) - 1) * noise / squares / values.shape[1])
