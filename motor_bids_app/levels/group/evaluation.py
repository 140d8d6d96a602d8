"""What the evaluation of an experiment found."""

from dataclasses import dataclass, field

import pandas as pd

from motor_bids_app.evaluation.conformal import Limits
from motor_bids_app.levels.group.chance import Tests


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How all models of an experiment did, in patients (`levels.cohort.scoring`).

    Of everyone are only `out_of_fold`, `splits`, `as_paper`, and the rows of `metrics` and
    `subgroups` that say so.

    Parameters
    ----------
    models : tuple of str
        Models that could be evaluated, simplest first.
    left_out : dict
        The others, with the reason.
    final : str
        The model that is trained on everyone.
    splits, metrics, comparisons, audit : DataFrame
        See `evaluation`.
    out_of_fold : DataFrame
        Columns model, repeat, fold, training, participant_id, prediction.
    fold_metrics : DataFrame
        Columns model, repeat, fold, metric, value.
    as_paper : DataFrame or None
        Column model and those of `evaluation.paper.as_paper`, for networks.
    limits : Limits
        Conformal limits of the final model.
    coverage, abstention : DataFrame, DataFrame or None
        How often they hold, and accuracy if only the surest are answered (classes).
    learning : DataFrame or None
        See `learning_curve`, of the final model unless it is a network.
    decisions : DataFrame or None
        See `decision_curves`, for classes.
    beside : dict
        Models evaluated beside the others, as [comparisons] asks for, and what they are; they are
        in `out_of_fold`, `metrics` and `as_paper`, and in `comparisons` with the network.
    embedding : DataFrame or None
        Tested people as points: columns layer, participant_id, x, y.
    by_map, map_subsets : DataFrame or None
        Out-of-fold predictions by single maps, and `score_subsets` of them (cbam2025).
    chosen : DataFrame or None
        See `chosen_maps`.
    chance : dict of PermutationTest
        By model, among patients; models that are costly to refit have none.
    ladder : DataFrame or None
        See `leakage_ladder`, of the final model, where the experiment asks for it.
    recalibration : DataFrame or None
        See `calibration_table`: the final model before and after it.
    subgroups : DataFrame
        See `subgroup_table`, of the final model.
    missing : DataFrame
        See `missing_table`.
    notes : tuple of str
        Remarks, one sentence each.
    """

    models: tuple[str, ...]
    left_out: dict[str, str]
    final: str
    splits: pd.DataFrame
    out_of_fold: pd.DataFrame
    metrics: pd.DataFrame
    fold_metrics: pd.DataFrame
    comparisons: pd.DataFrame
    audit: pd.DataFrame
    limits: Limits
    coverage: pd.DataFrame
    learning: pd.DataFrame | None
    chance: Tests
    ladder: pd.DataFrame | None
    subgroups: pd.DataFrame
    missing: pd.DataFrame
    notes: tuple[str, ...]
    as_paper: pd.DataFrame | None = None
    abstention: pd.DataFrame | None = None
    decisions: pd.DataFrame | None = None
    recalibration: pd.DataFrame | None = None
    beside: dict[str, str] = field(default_factory=dict)
    embedding: pd.DataFrame | None = None
    by_map: pd.DataFrame | None = None
    map_subsets: pd.DataFrame | None = None
    chosen: pd.DataFrame | None = None
