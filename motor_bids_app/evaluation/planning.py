"""How many people a study needs: to tell two models apart, and to fit one at all."""

import math
from bisect import bisect_left
from collections.abc import Callable

from scipy import stats

from motor_bids_app.evaluation.statistics import auc_variance

CORRELATION = 0.5  # of the errors of two models' AUC in the same people
POWER = 0.8
SHRINKAGE = 0.9  # Riley's least calibration slope expected in new people
OPTIMISM = 0.05  # and the greatest difference between apparent and adjusted R²
MARGIN = 0.05  # and the error allowed in the share of poor outcomes
MOST_PEOPLE = 10_000_000


def people_to_tell_apart(
    auc_a: float,
    auc_b: float,
    share_poor: float,
    *,
    alpha: float = 0.05,
    power: float = POWER,
    correlation: float = CORRELATION,
) -> int:
    """People who must be tested for two AUC to differ at two-sided `alpha` with `power`.

    Parameters
    ----------
    auc_a, auc_b : float
        True values, which differ.
    share_poor : float
        Share of poor outcomes.
    correlation : float
        Between the errors of both, as they are measured in the same people (Hanley and McNeil
        1983, Radiology 148:839); 0 for different people, each as many as returned.
    """
    delta, z = abs(auc_a - auc_b), (stats.norm.isf(alpha / 2), stats.norm.isf(1 - power))

    def enough(n: int) -> bool:
        counts = max(n * share_poor, 1), max(n * (1 - share_poor), 1)
        a, b = auc_variance(auc_a, *counts), auc_variance(auc_b, *counts)
        same = 2 * a * (1 - correlation)
        differ = a + b - 2 * correlation * math.sqrt(a * b)
        return bool(delta > z[0] * math.sqrt(same) + z[1] * math.sqrt(max(differ, 0)))

    return _least(enough)


def smallest_difference(auc: float, n_poor: int, n_good: int) -> float:
    """Difference from `auc` that two models must show in these people to differ at p < 0.05."""
    error = math.sqrt(2 * auc_variance(auc, n_poor, n_good) * (1 - CORRELATION))
    return float(stats.norm.isf(0.025) * error)


def people_for_classes(n_parameters: int, share_poor: float, r2: float | None = None) -> int:
    """People to develop a model of classes with (Riley et al. 2019, Stat Med 38:1276).

    The greatest of three: shrinkage of at most 10 %, optimism in Nagelkerke's R² of at most
    0.05, and the overall share known to 0.05.

    Parameters
    ----------
    n_parameters : int
        Weights to be learned, without the intercept.
    share_poor : float
    r2 : float, optional
        Cox-Snell R² expected; by default 15 % of its greatest possible value, as Riley advises
        where nothing is known.
    """
    log_likelihood = share_poor * math.log(share_poor) + (1 - share_poor) * math.log(1 - share_poor)
    most = 1 - math.exp(2 * log_likelihood)
    r2 = 0.15 * most if r2 is None else r2
    slopes = (SHRINKAGE, r2 / (r2 + OPTIMISM * most))
    needed = [n_parameters / ((slope - 1) * math.log(1 - r2 / slope)) for slope in slopes]
    needed.append((1.96 / MARGIN) ** 2 * share_poor * (1 - share_poor))
    return math.ceil(max(needed))


def people_for_scores(n_parameters: int, r2: float = 0.2) -> int:
    """People to develop a model of scores with (Riley et al. 2019, Stat Med 38:1262).

    The greatest of three: shrinkage of at most 10 %, optimism in R² of at most 0.05, and the
    residual standard deviation known to 10 %.

    Parameters
    ----------
    n_parameters : int
    r2 : float
        Adjusted R² expected; imaging alone reaches about 0.2 in chronic stroke.
    """

    def enough(n: int) -> bool:
        apparent = (r2 * (n - n_parameters - 1) + n_parameters) / (n - 1)
        return n > n_parameters + 2 and (
            1 + (n_parameters - 2) / (n * math.log(1 - apparent)) >= SHRINKAGE
        )

    optimism = math.ceil(1 + n_parameters * (1 - r2) / OPTIMISM)
    return max(_least(enough), optimism, 234 + n_parameters)


def _least(enough: Callable[[int], bool]) -> int:
    """Least whole number for which `enough` holds, if it does for all greater ones."""
    low, high = 3, 4
    while not enough(high):
        low, high = high, high * 2
        if high > MOST_PEOPLE:
            return MOST_PEOPLE
    return low + bisect_left(range(low, high), True, key=enough)
