"""What readers of the numbers of an experiment must know."""

from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.transformed import learned_note


def evaluation_notes(evaluation: Evaluation) -> tuple[str, ...]:
    """What readers of the numbers must know, one sentence each."""
    builder, experiment = evaluation.builder, evaluation.experiment
    notes = (
        *builder.cohort.notes,
        *evaluation.setup.notes,
        *builder.notes,
        *evaluation.beside.notes,
    )
    if experiment.target.transform != "none":
        notes += (learned_note(experiment.target.transform),)
    asked = experiment.as_published
    if evaluation.raw is not None and asked is not None and asked.protocols:
        notes += ("The leakage ladder shows the final model without recalibration.",)
    folds = evaluation.scores.fold_metrics
    if folds.loc[folds["metric"] == "r", "value"].isna().all() and (
        experiment.target.task == "regression"
    ):
        notes += (
            "There is no correlation: it is taken among people whom the same fitted model "
            "predicted, and no test set holds two patients with different scores.",
        )
    return notes
