"""Whether recovery is proportional, or only looks so because change contains the baseline.

With X the baseline, Y the later score and k = sd(Y) / sd(X), the correlation of X and Y - X is
(k r - 1) / sqrt(1 + k^2 - 2 k r), where r is that of X and Y. It is -1 / sqrt(1 + k^2) where X and
Y have nothing to do with each other, which is -0.71 for equal spreads and near -1 where later
scores crowd at the ceiling: a strong correlation says nothing by itself (Hope et al. 2019, Hawe et
al. 2019). For given spreads all that can be shown lies in r: later scores are dealt out to other
people, which keeps both spreads, and the ceiling.

A ceiling does more. Where all gain alike, those who began near the best score cannot: gains grow
with what could be recovered although nothing is proportional, and r is high. The slope of gains is
therefore estimated with later scores at the best one taken as "at least that" (Tobin 1958).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.evaluation.censored import censored_slope

Floats = NDArray[np.float64]
LEVEL = 0.05
AT_CEILING = 0.15  # of people at the best score: more is a ceiling effect (Terwee et al. 2007)
_FEWEST = 10  # people of whom anything is said


@dataclass(frozen=True, kw_only=True)
class Coupling:
    """How a baseline, a later score and their difference hang together.

    Parameters
    ----------
    n : int
        People.
    r_change, r_later : float
        Correlation of the baseline with the change, and with the later score.
    sd_ratio : float
        Standard deviation of later scores over that of the baseline.
    null_r, null_low, null_high : float
        r_change where later scores are those of other people: mean and the central 95 %.
    p_value : float
        Share of such deals whose r_later is at least that found (one-sided).
    share, share_low, share_high : float
        Slope of the change on what could be recovered, with its 95 % interval, where scores at the
        best one are at least that (see `censored_slope`): 0 where all gain alike, 1 where the later
        score does not depend on the baseline. NaN with fewer than 10 people below the best score.
    at_ceiling : float
        Share of people with the best score later.
    """

    n: int
    r_change: float
    r_later: float
    sd_ratio: float
    null_r: float
    null_low: float
    null_high: float
    p_value: float
    share: float
    share_low: float
    share_high: float
    at_ceiling: float

    @property
    def proportional(self) -> bool:
        """Whether change grows with what could be recovered, beyond what coupling makes of it.

        Later scores keep something of the order of the baseline, unlike those of other people,
        and who could recover more gained more, unlike with a gain that is the same for all.
        """
        return self.p_value <= LEVEL and self.share_low > 0 and self.share < 1


def coupling(
    baseline: Floats, later: Floats, best: float, seed: int, permutations: int = 2000
) -> Coupling | None:
    """Measure the coupling of baseline and change, and test it against later scores of others.

    Parameters
    ----------
    baseline, later : array, shape (n,)
        Scores of the same people.
    best : float
        The best score.
    seed : int
        Of the permutations.
    permutations : int
        Deals of the later scores.

    Returns
    -------
    Coupling or None
        None where fewer than 10 people have both, or either does not vary.
    """
    known = ~np.isnan(baseline) & ~np.isnan(later)
    x, y = baseline[known], later[known]
    if len(x) < _FEWEST or not (x.std() > 0 and y.std() > 0 and (y - x).std() > 0):
        return None
    rng = np.random.default_rng(seed)
    deals = rng.permuted(np.tile(y, (permutations, 1)), axis=1)
    r_later = _correlation(x, y[None])[0]
    dealt_later, dealt_change = _correlation(x, deals), _correlation(x, deals - x)
    below, side = y != best, np.sign((best - x).sum())
    slope, half = np.nan, np.nan
    others = np.sort(x[below])  # a slope that rests on one person has no interval
    if len(others) >= _FEWEST and min(np.ptp(others[1:]), np.ptp(others[:-1])) > 0:
        slope, half = censored_slope(side * (best - x), side * (y - x), ~below)
    low, high = np.quantile(dealt_change, (0.025, 0.975))
    at_least = int((dealt_later >= r_later - 1e-12).sum())
    return Coupling(
        n=len(x),
        r_change=float(_correlation(x, (y - x)[None])[0]),
        r_later=float(r_later),
        sd_ratio=float(y.std() / x.std()),
        null_r=float(dealt_change.mean()),
        null_low=float(low),
        null_high=float(high),
        p_value=(1 + at_least) / (1 + permutations),
        share=slope,
        share_low=slope - half,
        share_high=slope + half,
        at_ceiling=float((y == best).mean()),
    )


def _correlation(x: Floats, rows: Floats) -> Floats:
    """Correlation of x, shape (n,), with each row, shape (m, n); 0 with one that is constant."""
    a, b = x - x.mean(), rows - rows.mean(axis=1, keepdims=True)
    scale = np.sqrt((a**2).sum() * (b**2).sum(axis=1))
    return np.asarray(np.divide(b @ a, scale, out=np.zeros(len(rows)), where=scale > 0))
