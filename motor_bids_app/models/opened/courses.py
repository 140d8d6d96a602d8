"""Losses of the networks in a fitted model, epoch by epoch."""

from typing import Any

import pandas as pd

from motor_bids_app.models.instances.fusion import FusionModel

COLUMNS = ["network", "epoch", "loss", "validation_loss"]


def losses(model: Any) -> pd.DataFrame:
    """Return the losses of every network that a fitted model trained; no rows if it has none.

    Returns
    -------
    DataFrame
        Columns network (a map, a kind of data, or "all maps"; several trainings of one model may
        share it), epoch, from 1, loss (of the training people) and validation_loss (of those held
        out to stop by; NaN without).
    """
    parts = [_course(*course) for course in _courses(model)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _courses(model: Any) -> list[tuple[str, list[float], list[float]]]:
    while hasattr(model, "model_"):  # of a recalibration, or of a transformed score
        model = model.model_
    if isinstance(model, FusionModel):
        found = [(name, network.course_) for name, network in model.networks_.items()]
        return [(name, course.losses, course.validation) for name, course in found]
    if hasattr(model, "networks_"):  # of single maps, several of each
        return [course for ones in model.networks_ for one in ones for course in _courses(one)]
    if not hasattr(model, "validation_history_"):
        return []
    name = model.maps_[0] if len(model.maps_) == 1 else "all maps"
    return [(name, model.history_, model.validation_history_)]


def _course(network: str, learned: list[float], judged: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "network": network,
            "epoch": range(1, len(learned) + 1),
            "loss": learned,
            "validation_loss": judged or float("nan"),
        }
    )
