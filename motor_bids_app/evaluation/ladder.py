"""The leakage ladder: one model on the same data, evaluated the right way and in flawed ways."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.flawed import FLAWS
from motor_bids_app.evaluation.protocols import Fits, Plan, out_of_fold
from motor_bids_app.evaluation.summary import metric_interval

COLUMNS = [
    "protocol",
    "state",
    "metric",
    "value",
    "low",
    "high",
    "difference",
    "n_counted",
    "reason",
]
RIGHT, TOGETHER, PUBLISHED = "right", "all-of-these", "published"


def leakage_ladder(
    plan: Plan,
    names: Sequence[str],
    metrics: Sequence[str],
    seed: int,
    *,
    published: Mapping[str, float] | None = None,
    fits: Fits | None = None,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Evaluate a model the right way, with each flaw alone, and with all of them together.

    Parameters
    ----------
    plan : Plan
        The right way.
    names : sequence of str
        Flaws, keys of `FLAWS`.
    metrics : sequence of str
    seed : int
        Of the bootstrap.
    published : mapping of metric to value, optional
        What a paper reports.
    fits : Fits, optional
        With predictions that are already there.
    progress : callable, optional
        Told the name of each protocol before it starts.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. `state` is "right", "optimistic", "published" or "not applicable" (with
        the reason, and no value). `difference` is from the right value; intervals are those that
        somebody would report who does not know of the flaw.
    """
    fits = fits or Fits()
    right: dict[str, float] = {}
    rows: list[tuple[object, ...]] = []
    for name, changed in flawed_plans(plan, names).items():
        if isinstance(changed, str):
            reason = f"{changed[0].upper()}{changed[1:]}."
            rows.append((name, "not applicable", None, *[np.nan] * 5, reason))
            continue
        if progress is not None:
            progress(name)
        for metric in metrics:
            predictions = out_of_fold(changed, fits, metric)
            value, low, high = metric_interval(predictions, metric, plan.task, seed)
            right.setdefault(metric, value)
            state, n = (RIGHT if name == RIGHT else "optimistic"), len(predictions.truth)
            rows.append((name, state, metric, value, low, high, value - right[metric], n, None))
    for metric, value in (published or {}).items():
        gap = value - right.get(metric, np.nan)
        rows.append((PUBLISHED, PUBLISHED, metric, value, np.nan, np.nan, gap, np.nan, None))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n_counted": "Int64"})


def flawed_plans(plan: Plan, names: Sequence[str]) -> dict[str, Plan | str]:
    """Return the right plan, those with each flaw and with all, or why a flaw cannot be made."""
    plans: dict[str, Plan | str] = {RIGHT: plan}
    plans |= {name: FLAWS[name](plan) for name in FLAWS if name in names}
    if sum(isinstance(changed, Plan) for changed in plans.values()) > 2:
        plans[TOGETHER] = _together(plan, [name for name in plans if name != RIGHT])
    return plans


def _together(plan: Plan, names: Sequence[str]) -> Plan:
    """Put one flaw on top of the other; what no longer applies is left out."""
    for name in names:
        changed = FLAWS[name](plan)
        if isinstance(changed, Plan):
            plan = changed
    return plan
