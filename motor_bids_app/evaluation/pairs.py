"""How scores of the same people hang together, and what models miss of each."""

import itertools

import numpy as np
import pandas as pd
from scipy import stats

LEAST = 4  # people that the interval of a correlation takes
COLUMNS = (
    "score", "other", "n_people", "r_scores", "r_scores_low", "r_scores_high",
    "r_errors", "r_errors_low", "r_errors_high",
)  # fmt: skip


def pair_correlations(truth: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Correlate each pair of scores, and the errors of their predictions.

    Intervals are Fisher's. Those of errors are a little too narrow, as the predictions of two
    people may come from one model.

    Parameters
    ----------
    truth, errors : DataFrame, shape (n_people, n_scores)
        Scores, and mean out-of-fold prediction minus score, of the same people.

    Returns
    -------
    DataFrame
        One row per pair, columns `COLUMNS`; NaN where one does not vary, or fewer than 4 people
        have both.
    """
    rows = []
    for one, other in itertools.combinations(truth.columns, 2):
        both = truth[[one, other]].notna().all(axis=1) & errors[[one, other]].notna().all(axis=1)
        told = [
            value
            for table in (truth, errors)
            for value in _correlation(table.loc[both, one], table.loc[both, other])
        ]
        rows.append((one, other, int(both.sum()), *told))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _correlation(x: "pd.Series[float]", y: "pd.Series[float]") -> tuple[float, float, float]:
    """Pearson's r with its 95 % interval."""
    if len(x) < LEAST or x.nunique() < 2 or y.nunique() < 2:
        return np.nan, np.nan, np.nan
    found = stats.pearsonr(x, y)
    interval = found.confidence_interval()
    return float(found.statistic), float(interval.low), float(interval.high)
