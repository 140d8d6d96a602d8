"""What a person lacks of what a model reads, and what is said of it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.models.catalog import needs, reads_own
from motor_bids_app.models.tables.columns import DEMOGRAPHICS, MEMBER, OWN, own_column
from motor_bids_app.models.tables.harmonisation import KEPT


def filled_in(
    row: pd.DataFrame, columns: tuple[str, ...], metadata: Mapping[str, Any]
) -> tuple[str, ...]:
    """Say which demographics were filled in; what nobody had in training makes no difference."""
    spreads = metadata["training"]["domain"]["spreads"]
    unused = set() if spreads.get("time_since_stroke") else {"time_since_stroke"}
    return tuple(
        f"{name} is missing, and set to the average of the training people"
        for name in columns
        if name in DEMOGRAPHICS and name not in unused and row[name].isna().iloc[0]
    )


def own_gaps(row: pd.DataFrame, model: str) -> tuple[str, ...]:
    """Say which predictors of the user's own were filled in, if the model reads any."""
    if not (reads_own(model) or needs(model).pattern.startswith(OWN)):
        return ()
    own = [str(name) for name in row.columns if re.fullmatch(OWN, str(name))]
    lacking = [name for name in own if row[name].isna().iloc[0]]
    gaps = Counter(name.partition(MEMBER)[0] for name in lacking)
    return tuple(
        f"{name.removeprefix(own_column(''))} is missing{f' in {n} columns' if n > 1 else ''}, and "
        "set to the average of the training people"
        for name, n in gaps.items()
    )


def with_all_columns(
    member: Any, row: pd.DataFrame, named: tuple[str, ...]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Add regional features that this scan lacks as missing values, and say how many."""
    columns = getattr(getattr(member, "model_", member), "columns_", ())
    lacking = [name for name in columns if name not in named and not re.fullmatch(OWN, name)]
    lacking = [name for name in lacking if name not in row or row[name].isna().iloc[0]]
    row = row.assign(**dict.fromkeys((name for name in lacking if name not in row), np.nan))
    if not lacking:
        return row, ()
    return row, (
        f"{len(lacking)} features are missing ({lacking[0]}, ...), and taken as in the "
        "average training person",
    )


def kept_gaps(members: Iterable[Any], row: pd.DataFrame, named: Sequence[str]) -> tuple[str, ...]:
    """Say what ComBat keeps that is missing, beside the columns `named` of the model."""
    if not any(_harmonisations(member) for member in members):
        return ()
    return tuple(
        f"{name} is missing, and set to the median of the training people in harmonisation"
        for name in KEPT
        if name not in named and (name not in row or row[name].isna().iloc[0])
    )


def not_harmonised(members: Iterable[Any], row: pd.DataFrame) -> tuple[str, ...]:
    """Say where ComBat knows nothing of the site (see `models.tables.harmonisation`)."""
    learned = [combat for member in members for combat in _harmonisations(member)]
    site = row["site"].astype(str).iloc[0] if "site" in row else None
    knows = [site in combat.sites_ for combat in learned]
    if all(knows):
        return ()
    if any(knows):
        return (
            "few people of the site were in training: "
            f"{knows.count(False)} of {len(knows)} networks do not harmonise its maps",
        )
    return ("the site was not in training: its maps and features are not harmonised",)


def _harmonisations(member: Any) -> list[Any]:
    """What a model, or each of its networks, learned of sites."""
    plain = getattr(member, "model_", member)
    if hasattr(plain, "models_"):  # one for each threshold, of the same people
        plain = next(iter(plain.models_.values()))
    networks = getattr(plain, "networks_", [[plain]])  # one for each map and inner fold
    found = [getattr(one, "combat_", None) for group in networks for one in group]
    return [combat for combat in found if combat is not None]
