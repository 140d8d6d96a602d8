"""What tells the outcome without being biology: gaps, quality, site, a column made from it."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from motor_bids_app.evaluation.leakage import MIN_PEOPLE, TELLING, Row
from motor_bids_app.evaluation.permutation import PermutationTest, permutation_test
from motor_bids_app.evaluation.splits import some

ALPHA = 0.05  # of all columns together
NUISANCE_P = 0.01
_N_PERMUTATIONS, _REPEATS = 199, 2
_PENALTY = 1.0  # for people at a mean square distance of 1
Floats = NDArray[np.float64]


def check_gaps(known: pd.DataFrame, truth: "pd.Series[float]", classify: bool) -> Row:
    """Check that what is missing in patients does not tell their outcome.

    Parameters
    ----------
    known : DataFrame of bool, shape (n_patients, n_columns)
        Whether each patient has a value.
    truth : Series, shape (n_patients,)
        Class (1 poor, 0 good) or score.
    classify : bool
        Whether `truth` are classes.
    """
    name, check = "missing-tells-outcome", "gaps in the data do not tell the outcome"
    patterns: dict[bytes, list[str]] = {}
    for column in known.columns[known.any() & ~known.all()]:
        patterns.setdefault(known[column].to_numpy(bool).tobytes(), []).append(str(column))
    telling = []
    for columns in patterns.values():
        gap = ~known[columns[0]].to_numpy(bool)
        values: Floats = np.asarray(truth, dtype=np.float64)
        if _gap_p(gap, values, classify) * len(patterns) < ALPHA:
            telling.append(f"{some(columns)} ({_difference(gap, values, classify)})")
    if telling:
        finding = (
            f"Missingness predicts the outcome: {'; '.join(telling)}. A model may infer the "
            "outcome from missing values. Complete the data, leave out people with missing data "
            "([inputs] missing), or do without these inputs."
        )
        return name, check, "warning", finding, None
    finding = f"{len(patterns)} patterns of missing values compared with the outcome of patients."
    return name, check, "passed", finding, None


def _gap_p(gap: NDArray[np.bool_], values: Floats, classify: bool) -> float:
    if classify:
        table = [[(gap & (values == k)).sum(), (~gap & (values == k)).sum()] for k in (0, 1)]
        return float(stats.fisher_exact(table).pvalue)
    return float(stats.mannwhitneyu(values[gap], values[~gap]).pvalue)


def _difference(gap: NDArray[np.bool_], values: Floats, classify: bool) -> str:
    if classify:
        shares = (float(gap[values == k].mean()) for k in (1, 0))
        return "missing in {:.0%} of the poor and {:.0%} of the good".format(*shares)
    medians = (float(np.median(values[part])) for part in (gap, ~gap))
    return "median {:.3g} where missing and {:.3g} where known".format(*medians)


def check_separation(predictors: pd.DataFrame, truth: "pd.Series[float]") -> Row:
    """Check that no single column tells poor from good without fail.

    Parameters
    ----------
    predictors : DataFrame of float, shape (n_patients, n_columns)
        What models may see; NaN where unknown.
    truth : Series, shape (n_patients,)
        1 poor, 0 good.
    """
    name, check = "separating-columns", "no column separates the classes"
    telling = []
    for column, values in predictors.items():
        known = values.notna()
        poor, good = (values[known & (truth == k)].to_numpy(np.float64) for k in (1, 0))
        if known.sum() < MIN_PEOPLE or not len(poor) or not len(good):
            continue
        found = stats.mannwhitneyu(poor, good)
        auc = float(found.statistic) / (len(poor) * len(good))
        if max(auc, 1 - auc) >= TELLING and found.pvalue * predictors.shape[1] < ALPHA:
            telling.append(f"{column} (AUC {max(auc, 1 - auc):.2f})")
    if telling:
        finding = (
            f"{some(telling)} separates poor from good almost without fail: was it made from the "
            "score, or measured after it? If it is biology, no model is needed."
        )
        return name, check, "warning", finding, None
    return name, check, "passed", f"{predictors.shape[1]} columns compared with the classes.", None


def check_nuisance(nuisance: pd.DataFrame, truth: "pd.Series[float]", classify: bool) -> Row:
    """Check that a model of what is no biology does not predict the outcome.

    Parameters
    ----------
    nuisance : DataFrame of float, shape (n_patients, n_columns)
        Missing values, quality measures, sites: NaN where unknown.
    truth : Series, shape (n_patients,)
        Class (1 poor, 0 good), or score.
    classify : bool
        Whether `truth` are classes.
    """
    name, check = "nuisance", "quality, gaps and site alone do not predict the outcome"
    test = nuisance_test(nuisance, truth, classify)
    if test is None:
        finding = (
            "Whether missing values, image quality and site alone predict the outcome was not "
            "tested: too few patients, or nothing of these varies."
        )
        return name, check, "not checked", finding, None
    metric = "AUC" if classify else "R²"
    reached = f"{metric} {test.value:.2f}, p {test.p_value:.2g} by permutation"
    if test.p_value <= NUISANCE_P:
        finding = (
            f"A model of nothing but missing values, image quality and site predicts the outcome "
            f"({reached}): one that does no better may have learned just that."
        )
        return name, check, "warning", finding, None
    finding = f"They do not ({reached}; {nuisance.shape[1]} columns)."
    return name, check, "passed", finding, None


def check_against_nuisance(
    value: float,
    nuisance: tuple[float, float],
    comparison: Mapping[Hashable, Any],
    *,
    metric: str,
    chance: float,
) -> Row:
    """Check that the final model is better than a model of what is no biology.

    The latter does as well where its value is as high, or where it is itself better than chance
    and the difference may be chance.

    Parameters
    ----------
    value : float
        Main metric of the final model.
    nuisance : (float, float)
        Of the model of gaps, quality and site, and the lower limit of its 95 % interval.
    comparison : mapping
        Row of `compare_pairs`: difference, low, high, p_value.
    metric : str
        Its name for people.
    chance : float
        What guessing scores.
    """
    name, check = "nuisance-rung", "the model is better than quality, gaps and site alone"
    theirs, low = nuisance
    better = comparison["low"] > 0 and comparison["p_value"] < ALPHA
    numbers = (
        f"{metric} {value:.2f}, and {theirs:.2f} by missing values, image quality and site alone; "
        f"difference {comparison['difference']:+.2f}, 95 % interval {comparison['low']:+.2f} to "
        f"{comparison['high']:+.2f}"
    )
    if not better and (theirs >= value or low > chance):
        finding = (
            f"The final model does no better than non-biological variables ({numbers}): it may "
            "have learned only those."
        )
        return name, check, "warning", finding, None
    clear = "It is" if better else "They do not predict the outcome, though the gap may be chance"
    return name, check, "passed", f"{clear} ({numbers}).", None


def nuisance_test(
    nuisance: pd.DataFrame, truth: "pd.Series[float]", classify: bool
) -> PermutationTest | None:
    """Cross-validate a ridge on nuisance columns; None where there is nothing to learn."""
    spread = nuisance.max() - nuisance.min()
    varying = nuisance.loc[:, spread > 0]
    values: Floats = np.asarray(truth, dtype=np.float64)
    counts = truth.value_counts() if classify else pd.Series([len(truth)])
    if varying.empty or len(truth) < MIN_PEOPLE or counts.min() < 2 or np.ptp(values) == 0:
        return None
    table = varying.to_numpy(np.float64)

    def products(
        fit: NDArray[Any],
        judged: NDArray[Any],
        outer: NDArray[Any],  # noqa: ARG001 (sites are what is looked for, and are not made alike)
    ) -> tuple[Floats, Floats]:
        known = np.isfinite(table[fit]).any(axis=0)
        filling = np.zeros(table.shape[1])
        filling[known] = np.nanmedian(table[fit][:, known], axis=0)
        filled = np.where(np.isnan(table), filling, table)
        mean, spread = filled[fit].mean(axis=0), filled[fit].std(axis=0)
        scaled = (filled - mean) / np.where(spread > 0, spread, 1) / np.sqrt(table.shape[1])
        scaled[:, spread == 0] = 0
        return scaled[fit] @ scaled[fit].T, scaled[judged] @ scaled[fit].T

    return permutation_test(
        products,
        values,
        task="classification" if classify else "regression",
        penalties=(_PENALTY,),
        controls=np.zeros(len(truth), dtype=bool),
        n_permutations=_N_PERMUTATIONS,
        repeats=_REPEATS,
    )
