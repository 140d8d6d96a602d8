"""The short table that a group run ends with."""

from collections.abc import Sequence

from motor_bids_app.levels.group.result import Result

_NAMES = {"roc_auc": "AUC", "r2": "R2", "quadratic_kappa": "kappa"}


def summarise(results: Sequence[Result]) -> str:
    """Return a table of each model's primary metric, with its interval and what limits it."""
    lines = []
    for experiment in dict.fromkeys(result.experiment for result in results):
        rows = [result for result in results if result.experiment == experiment]
        metric = _NAMES.get(rows[0].metric, rows[0].metric)
        width = max(len(result.model) for result in rows)
        heading = f"  {'model':{width}}  {metric:>5}  95 % interval"
        lines.append(f"\n{experiment}: {metric} by cross-validation, in patients")
        lines.append(heading + ("  best reachable" if rows[0].ceiling else ""))
        for result in rows:
            ceiling = f"  {result.ceiling:14.2f}" if result.ceiling else ""
            interval = f"{result.low:5.2f} to {result.high:.2f}"
            lines.append(f"  {result.model:{width}}  {result.value:5.2f}  {interval}{ceiling}")
        floor = rows[0].noise_floor
        article = "a" if metric == "kappa" else "an"
        known = f"{article} {metric} is known to within {floor:.2f} at best."
        lines.append(f"  With so few patients, {known}")
    return "\n".join(lines)
