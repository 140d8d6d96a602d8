"""What the page of an experiment says, from its evaluation."""

from collections.abc import Mapping, Sequence

import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.experiments.reading import to_toml
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.answering import answer
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Page
from motor_bids_app.privacy import shown
from motor_bids_app.reports.experiment.content import Block, ExperimentReport
from motor_bids_app.reports.models import LABELS
from motor_bids_app.reports.pages import Reference

REFERENCES = (
    Reference(
        key="Riley et al. 2020",
        citation="Riley RD, Ensor J, Snell KIE, et al. Calculating the sample size required for "
        "developing a clinical prediction model. BMJ 368, m441 (2020).",
        doi="10.1136/bmj.m441",
    ),
    Reference(
        key="Vickers and Elkin 2006",
        citation="Vickers AJ, Elkin EB. Decision curve analysis: a novel method for evaluating "
        "prediction models. Medical Decision Making 26, 565-574 (2006).",
        doi="10.1177/0272989X06295361",
    ),
    Reference(
        key="Nadeau and Bengio 2003",
        citation="Nadeau C, Bengio Y. Inference for the generalization error. Machine Learning 52, "
        "239-281 (2003).",
        doi="10.1023/A:1024068626366",
    ),
    Reference(
        key="Hanley and McNeil 1982",
        citation="Hanley JA, McNeil BJ. The meaning and use of the area under a receiver operating "
        "characteristic (ROC) curve. Radiology 143, 29-36 (1982).",
        doi="10.1148/radiology.143.1.7063747",
    ),
    Reference(
        key="Forman and Scholz 2010",
        citation="Forman G, Scholz M. Apples-to-apples in cross-validation studies: pitfalls in "
        "classifier performance measurement. SIGKDD Explorations 12, 49-57 (2010).",
        doi="10.1145/1882471.1882479",
    ),
)

COMBAT = (
    Reference(
        key="Johnson et al. 2007",
        citation="Johnson WE, Li C, Rabinovic A. Adjusting batch effects in microarray expression "
        "data using empirical Bayes methods. Biostatistics 8, 118-127 (2007).",
        doi="10.1093/biostatistics/kxj037",
    ),
    Reference(
        key="Fortin et al. 2017",
        citation="Fortin JP, Parker D, Tunç B, et al. Harmonization of multi-site diffusion tensor "
        "imaging data. NeuroImage 161, 149-170 (2017).",
        doi="10.1016/j.neuroimage.2017.08.047",
    ),
)
_CONTROLS = (
    "Healthy controls are used for training and are predicted out of fold, but all results count "
    "patients only, unless stated otherwise: distinguishing stroke patients from healthy people "
    "needs no model."
)


def build_report(
    evaluation: Evaluation,
    ceiling: float | None,
    others: Sequence[Block] = (),
    checklists: Mapping[str, str] | None = None,
    history: Sequence[str] = (),
) -> ExperimentReport:
    """Collect what the page of an experiment shows.

    Parameters
    ----------
    ceiling : float or None
        Best reachable value of the primary metric, where data were simulated.
    others : sequence of Block
        What stands behind those of the parts.
    checklists : mapping of str to str
        Links, by title.
    history : sequence of str
        What the ledger says of evaluations on these people.
    """
    experiment, cohort, outcome = (
        evaluation.experiment,
        evaluation.cohort,
        evaluation.cohort.outcome,
    )
    result = answer(evaluation)
    models = {name: LABELS[name] for name in evaluation.setup.models}
    page = Page(models=models, answer=result, outcome=outcome, ceiling=ceiling)
    return ExperimentReport(
        name=experiment.name,
        description=experiment.description,
        question=outcome.question,
        reference=experiment.reference or None,
        target="poor outcome" if outcome.cutoff is not None else outcome.text,
        answer=result,
        n_patients=int(cohort.patients.sum()),
        n_controls=int(cohort.controls.sum()),
        models=models,
        cohort=cohort_table(cohort),
        excluded=cohort.excluded[["participant_id", "reason"]],
        blocks=(*(block for part in evaluation.parts for block in part.blocks(page)), *others),
        splits=splits_facts(experiment, evaluation.setup.splits),
        safeguards=_safeguards(experiment, cohort),
        history=tuple(history),
        ceiling=ceiling,
        warnings=_warnings(evaluation),
        configuration=to_toml(experiment),
        references=(*REFERENCES, *(COMBAT if experiment.inputs.harmonise == "combat" else ())),
        versions={"motor_bids_app": __version__},
        checklists=checklists or {},
    )


def _warnings(evaluation: Evaluation) -> tuple[str, ...]:
    audit = evaluation.setup.audit
    findings = audit[audit["state"] != "passed"]["finding"]
    left_out = (
        f"“{LABELS[name]}” ({name}) was left out: it needs {reason}."
        for name, reason in evaluation.setup.left_out.items()
    )
    return (*findings, *left_out, *evaluation.notes)


def splits_facts(experiment: Experiment, splits: pd.DataFrame) -> dict[str, str | int | float]:
    """How people were dealt to test sets, as the page shows it."""
    sizes = splits.groupby(["repeat", "fold"]).size()
    span = f"{sizes.min()}" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()}"
    scheme = experiment.validation.scheme.replace("_", " ").replace("kfold", "k-fold")
    if experiment.validation.splits is not None:
        scheme = "as in a file of the user (splits.tsv)"
    values: dict[str, str | int | float] = {
        "scheme": scheme,
        "repeats": int(splits["repeat"].nunique()),
        "test sets per repeat": int(splits["fold"].nunique()),
        "people per test set": span,
        "split by": "participant",
    }
    if experiment.training.trainings > 1:
        values["trainings per test set (averaged)"] = experiment.training.trainings
    return values


def _safeguards(experiment: Experiment, cohort: Cohort) -> tuple[str, ...]:
    sentences = [
        *([_CONTROLS] if not cohort.patients.all() else []),
        "All scans of a person are on the same side of every split, because splits are lists of "
        "people.",
        "Whatever is learned from data (imputation, scaling, feature selection, penalties, mean "
        "maps, class balance) is learned inside the estimator that is fitted to the training "
        "people of a split.",
        "All models are tested on the same splits, and metrics count patients, not scans.",
        "An AUC compares only patients who were predicted by the same fitted model.",
        "The final model is the one that the experiment names; ledger.tsv, beside the folders of "
        "the experiments, lists all evaluations, because the best of many is best partly by "
        "chance.",
    ]
    if experiment.model.recalibrate != "none":
        sentences.append(
            "Probabilities are recalibrated by a logistic fit to inner out-of-fold predictions of "
            "the training people; tested people are not used."
        )
    if experiment.training.trainings > 1:
        sentences.append(
            "Predictions of repeated trainings are averaged; the best training is not picked."
        )
    return tuple(sentences)


def cohort_table(cohort: Cohort) -> pd.DataFrame:
    """Describe the people: a column characteristic, then one column of text per group."""
    table = cohort.samples.table.drop_duplicates("participant_id").set_index("participant_id")
    columns = {
        name: _describe(table.loc[members[members].index], cohort)
        for name, members in cohort.groups.items()
    }
    shown = pd.DataFrame(columns)
    shown = shown[(shown != "").any(axis=1)]
    return shown.rename_axis("characteristic").reset_index()


def _describe(people: pd.DataFrame, cohort: Cohort) -> dict[str, str]:
    """Describe one group as 'median (least to greatest)' and counts."""
    score = cohort.outcome.score
    measures: Mapping[str, str] = {
        "age": "age (years)",
        "time_since_stroke": "time since stroke (months)",
        "lesion_volume": "lesion volume (ml)",
        score.name: f"{score.label} ({score.unit})",
    }
    described = {"people": str(len(people))}
    if "sex" in people:
        described["female / male"] = f"{(people['sex'] == 0).sum()} / {(people['sex'] == 1).sum()}"
    for name, title in measures.items():
        described[title] = ""
        values = people[name].dropna().astype(float) if name in people else pd.Series(dtype=float)
        if len(values):
            middle, low, high = (
                shown(name, value) for value in (values.median(), values.min(), values.max())
            )
            described[title] = f"{middle} ({low} to {high}), n = {len(values)}"
    if "lesion_side" in people:
        sides = people["lesion_side"].value_counts()
        described["lesion side"] = ", ".join(f"{n} {side}" for side, n in sides.items())
    if "site" in people:
        described["sites"] = str(people["site"].nunique())
    return described
