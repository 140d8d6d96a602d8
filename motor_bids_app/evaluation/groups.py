"""How people with poor and with good outcomes differ in what is known of them."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

COLUMNS = ["measure", "test", "poor", "good", "n_poor", "n_good", "p_value"]
_FEWEST = 2  # people of either class with a value
_ROUNDING = 1e-12  # of a mean; what varies less does not vary


def group_tests(
    numbers: Mapping[str, NDArray[np.float64]],
    words: Mapping[str, NDArray[np.object_]],
    poor: NDArray[np.bool_],
) -> pd.DataFrame:
    """Test each measure between classes: Welch's t-test of numbers, an exact one of words.

    Parameters
    ----------
    numbers : mapping of str to float array, shape (n_people,)
        NaN where missing.
    words : mapping of str to array of str, shape (n_people,)
        None where missing.
    poor : bool array, shape (n_people,)

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: poor and good describe the classes ("mean ± SD", or counts of each
        word, in the same order); p is two-sided, not corrected for the number of measures, and
        NaN where too few have a value or nothing varies. Words are tested by Fisher's exact test,
        or by chi-squared where there are more than two.
    """
    rows = []
    for name, values in numbers.items():
        known = np.isfinite(values)
        one, other = values[known & poor], values[known & ~poor]
        rows.append((name, "Welch's t", *_spread(one, other), len(one), len(other), _t(one, other)))
    for name, said in words.items():
        known = np.array([value is not None for value in said], dtype=bool)
        levels = sorted({str(value) for value in said[known]})
        counts = np.array(
            [
                [(said[known & members] == level).sum() for level in levels]
                for members in (poor, ~poor)
            ]
        ).reshape(2, len(levels))
        test, p = _independence(counts)
        label = f"{name} ({' / '.join(levels)})"
        shown = [" / ".join(str(n) for n in row) for row in counts]
        rows.append((label, test, *shown, *counts.sum(axis=1).tolist(), p))
    return pd.DataFrame(rows, columns=COLUMNS)


def _spread(*classes: NDArray[np.float64]) -> list[str]:
    """Mean and standard deviation of each class, to the second digit of the deviation.

    >>> _spread(np.array([0.4, 0.42]), np.array([61.0, 75.0]), np.array([0.0007, 0.0009]))
    ['0.410 ± 0.014', '68.0 ± 9.9', '0.00080 ± 0.00014']
    """
    said = []
    for values in classes:
        sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        digits = max(0, 1 - math.floor(math.log10(sd))) if sd > 0 else 2
        said.append(f"{values.mean():.{digits}f} ± {sd:.{digits}f}" if sd == sd else "n/a")
    return said


def _t(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    if min(len(one), len(other)) < _FEWEST:
        return float("nan")
    first, second = ((v.mean(), v.std(ddof=1), len(v)) for v in (one, other))
    if max(first[1], second[1]) <= _ROUNDING * max(abs(first[0]), abs(second[0])):
        return float("nan")
    return float(stats.ttest_ind_from_stats(*first, *second, equal_var=False).pvalue)


def _independence(counts: NDArray[np.int64]) -> tuple[str, float]:
    if counts.shape[1] < 2 or not counts.sum(axis=1).all():
        return "Fisher's exact", float("nan")
    if counts.shape[1] == 2:
        return "Fisher's exact", float(stats.fisher_exact(counts).pvalue)
    return "chi-squared", float(stats.chi2_contingency(counts).pvalue)
