"""How sure the numbers are: bootstrap over people, bands of guessing, paired comparisons."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
N_RESAMPLES = 2000
LEVEL = 0.95
LEAST_SPLITS = 3  # of a test
MIN_SPLITS = 5  # that show how a metric varies with the training people
REPEATED_FIVE_FOLDS = 1.65  # `intervals.coupling` of five folds dealt ten times


@lru_cache(maxsize=4)  # all models of an experiment share them
def bootstrap_weights(n: int, seed: int, n_resamples: int = N_RESAMPLES) -> Floats:
    """How often each of `n` people is drawn, in resamples with replacement.

    Returns
    -------
    array, shape (n_resamples, n), float64
        Counts, not to be changed; every row sums to `n`.
    """
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(n, np.full(n, 1 / n), size=n_resamples).astype(np.float64)
    counts.flags.writeable = False
    return counts


def percentile_interval(values: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Limits that enclose the central `level` of the resampled values.

    Resamples without a value (a class was not drawn) are left out; NaN if none is left.
    """
    if not np.isfinite(values).any():
        return np.nan, np.nan
    tail = (1 - level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


def exact_limit(n: int, level: float = LEVEL) -> float:
    """Lower limit of a share when all `n` people were right (Clopper and Pearson 1934).

    >>> round(exact_limit(10), 3)
    0.692
    """
    return float(((1 - level) / 2) ** (1 / n))


def proportion_noise_floor(n: int, proportion: float = 0.5, level: float = LEVEL) -> float:
    """Half-width of the interval of a proportion measured in `n` people (binomial).

    >>> round(proportion_noise_floor(100), 3)
    0.098
    """
    return float(stats.norm.isf((1 - level) / 2) * np.sqrt(proportion * (1 - proportion) / n))


def auc_variance(auc: float, n_poor: float, n_good: float) -> float:
    """Sampling variance of an AUC (Hanley and McNeil 1982, Radiology 143:29)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_poor - 1) * (q1 - auc**2) + (n_good - 1) * (q2 - auc**2)
    return float(max(spread, 0) / (n_poor * n_good))


def auc_noise_floor(
    n_poor: int, n_good: int, coupled: float = REPEATED_FIVE_FOLDS, level: float = LEVEL
) -> float:
    """Half-width of the band that AUCs of guessing fill in cross-validation.

    That of people who do not train (Hanley and McNeil 1982, Radiology 143:29) is too narrow: see
    `intervals.coupling`.

    >>> round(auc_noise_floor(20, 30), 2), round(auc_noise_floor(20, 30, coupled=1), 2)
    (0.21, 0.16)
    """
    variance = coupled * auc_variance(0.5, n_poor, n_good)
    return float(stats.norm.isf((1 - level) / 2) * np.sqrt(variance))


def delong_half_width(right: Floats, pairs: Floats, level: float = LEVEL) -> float:
    """Half-width of the interval of an AUC by the placements of people (DeLong et al. 1988).

    Parameters
    ----------
    right, pairs : array, shape (n_poor, n_good)
        How often each pair was put in the right order, and compared. With all pairs compared
        once this is the interval of DeLong (Biometrics 44:837); otherwise the same with each
        person weighted by the pairs that the person is in.

    Returns
    -------
    float
        NaN where a class has fewer than 2 people.
    """
    if min(right.shape) < 2 or pairs.sum() == 0:
        return np.nan
    excess = right - right.sum() / pairs.sum() * pairs
    variance = sum(
        n / (n - 1) * np.square(excess.sum(axis=1 - axis)).sum()
        for axis, n in enumerate(right.shape)
    )
    return float(stats.norm.isf((1 - level) / 2) * np.sqrt(variance) / pairs.sum())


def holm(p_values: Floats) -> Floats:
    """Correct p-values for their number (Holm 1979, Scand J Stat 6:65), shape (n,).

    Those that are not known (NaN) remain so, and count as tests all the same.

    >>> holm(np.array([0.01, np.nan, 0.03])).round(3).tolist()
    [0.03, nan, 0.06]
    """
    order = np.argsort(p_values)  # NaN last
    steps = np.arange(len(p_values), 0, -1) * p_values[order]
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def correlation_noise_floor(n: int, level: float = LEVEL) -> float:
    """Half-width of the interval of a correlation of 0 in `n` people (Fisher).

    >>> round(correlation_noise_floor(50), 2)
    0.28
    """
    return float(np.tanh(stats.norm.isf((1 - level) / 2) / np.sqrt(max(n - 3, 1))))


def r2_noise_floor(n: int, level: float = LEVEL) -> float:
    """Largest half-width of the interval of an R² in `n` people, which is at R² = 1/3.

    From the large-sample variance 4 R² (1 - R²)² / n (Olkin and Finn 1995, Psychological
    Bulletin 118:155).

    >>> round(r2_noise_floor(100), 2)
    0.15
    """
    return float(stats.norm.isf((1 - level) / 2) * np.sqrt(16 / 27 / n))


@dataclass(frozen=True)
class CorrectedTest:
    """Result of the corrected resampled t-test."""

    t: float
    p: float  # two-sided
    n_splits: int


def corrected_t_test(differences: Floats, test_to_train: float) -> CorrectedTest:
    """Test whether two models differ, from their differences on the same splits.

    Training sets overlap, so the plain t-test is far too sure; the correction adds the ratio of
    test to training people to the variance of the mean (Nadeau and Bengio 2003, Machine
    Learning 52:239).

    Parameters
    ----------
    differences : array, shape (n_splits,)
        Metric of the one minus that of the other, per fitted split; NaN is left out.
    test_to_train : float
        Tested people divided by training people, in one split.

    Returns
    -------
    CorrectedTest
        Without a p (NaN) of fewer than 3 splits, or where the differences are all the same: a
        t-test would be sure of anything.
    """
    differences = differences[np.isfinite(differences)]
    n = len(differences)
    mean = float(differences.mean()) if n else 0.0
    variance = float(differences.var(ddof=1)) if n > 1 else 0.0
    error = np.sqrt((1 / max(n, 1) + test_to_train) * variance)
    if n < LEAST_SPLITS or error <= 1e-12 * max(1.0, abs(mean)):
        return CorrectedTest(np.nan, np.nan, n)
    t = mean / float(error)
    return CorrectedTest(t, float(2 * stats.t.sf(abs(t), n - 1)), n)


def resampled_half_width(values: Floats, test_to_train: float, level: float = LEVEL) -> float:
    """Half-width of the interval of a metric that was measured in many overlapping splits.

    Parameters
    ----------
    values : array, shape (n_splits,)
        The metric in each split; NaN is left out.
    test_to_train : float
        Tested people divided by training people, in one split (Nadeau and Bengio 2003).

    Returns
    -------
    float
        0 for fewer than 5 splits, such as of few sites, whose spread is itself unknown.
    """
    values = values[np.isfinite(values)]
    if len(values) < MIN_SPLITS:
        return 0.0
    variance = (1 / len(values) + test_to_train) * values.var(ddof=1)
    return float(stats.t.isf((1 - level) / 2, len(values) - 1) * np.sqrt(variance))
