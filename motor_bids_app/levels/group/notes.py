"""What readers of the numbers of an experiment must know."""

from motor_bids_app.features.columns import REGIONAL
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.transformed import learned_note
from motor_bids_app.models.catalog import needs
from motor_bids_app.reports.models import LABELS


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
    notes += _unlike_sites(evaluation)
    folds = evaluation.scores.fold_metrics
    if folds.loc[folds["metric"] == "r", "value"].isna().all() and (
        experiment.target.task == "regression"
    ):
        notes += (
            "There is no correlation: it is taken among people whom the same fitted model "
            "predicted, and no test set holds two patients with different scores.",
        )
    return notes


def _unlike_sites(evaluation: Evaluation) -> tuple[str, ...]:
    """Say where the final model is compared with models of harmonised sites, but reads others."""
    needed, models = needs(evaluation.final), evaluation.setup.models
    alike = [LABELS[name] for name in models if needs(name).pattern == REGIONAL]
    reads = needed.volumes or bool(needed.instances)
    if evaluation.experiment.inputs.harmonise == "none" or not reads or not alike:
        return ()
    return (
        f"“{LABELS[evaluation.final]}” reads images, which were not harmonised, but is compared "
        f"with models whose features were ({'; '.join(alike)}): where it is better, it may have "
        'gained by the sites. Compare with harmonise = "none" too.',
    )
