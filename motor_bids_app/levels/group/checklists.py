"""Checklists of an experiment: what its run knows, and the files."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.files import write_json, write_text
from motor_bids_app.evaluation.domain import MIN_PEOPLE
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.bundles import processing_record
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.group.answering import answer
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.conformal import Conformal
from motor_bids_app.levels.group.parts.decisions import Decisions
from motor_bids_app.levels.group.parts.learning import LearningCurve
from motor_bids_app.levels.group.parts.sample_size import SampleSize
from motor_bids_app.models.catalog import needs
from motor_bids_app.reports.checklists import (
    CHECKLISTS,
    MODEL_CARD,
    RunFacts,
    checklist_json,
    render_checklist,
)
from motor_bids_app.reports.experiment.answer import chance_test, comparison, headline
from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.experiment.tables import metric_cell
from motor_bids_app.reports.models import LABELS
from motor_bids_app.settings import Settings

FOLDER = "checklists"
LINKS = {checklist.title: f"{FOLDER}/{checklist.name}.html" for checklist in CHECKLISTS}
_CALIBRATION = ("calibration_slope", "calibration_intercept", "ece")
_PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "nibabel", "nilearn", "torch")
_OF_PATIENTS = frozenset({"time_since_stroke", "lesion_volume", "map lesion"})


def write_checklists(folder: Path, facts: RunFacts) -> None:
    """Write every checklist as JSON and page, and the model card into the bundle too."""
    for checklist in CHECKLISTS:
        write_json(folder / FOLDER / f"{checklist.name}.json", checklist_json(checklist, facts))
        write_text(folder / FOLDER / f"{checklist.name}.html", render_checklist(checklist, facts))
    write_text(folder / "model" / f"{MODEL_CARD.name}.html", render_checklist(MODEL_CARD, facts))


def run_facts(settings: Settings, evaluation: Evaluation, members: Sequence[Any]) -> RunFacts:
    """Collect what the run knows; no participant is named.

    Parameters
    ----------
    members : sequence of estimators
        The final model as trained on everyone.
    """
    experiment, cohort, audit = evaluation.experiment, evaluation.cohort, evaluation.setup.audit
    return RunFacts(
        dataset=dataset_name(settings.bids_dir),
        experiment=experiment.name,
        description=experiment.description,
        reference=experiment.reference,
        **_people_facts(experiment, cohort),
        **_input_facts(settings, experiment, cohort),
        **_model_facts(evaluation, members),
        **_validation_facts(experiment, evaluation.setup.splits),
        seed=settings.processing.random_seed,
        **_result_facts(evaluation),
        audit={str(state): int(n) for state, n in audit["state"].value_counts().items()},
        findings=_findings(audit),
        libraries={
            "motor_bids_app": __version__,
            "Python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
        },
    )


def _people_facts(experiment: Experiment, cohort: Cohort) -> dict[str, Any]:
    outcome, score, table = cohort.outcome, cohort.outcome.score, cohort.samples.table
    classify = outcome.cutoff is not None
    return {
        "question": outcome.question,
        "task": outcome.task,
        "target": outcome.text,
        "score": f"{score.title} ({score.unit})",
        "cutoff_source": str(outcome.cutoff.source) if outcome.cutoff else "",
        "controls": experiment.target.controls,
        "n_scans": len(table),
        "n_people": len(cohort.labels.truth),
        "n_patients": int(cohort.patients.sum()),
        "n_controls": int(cohort.controls.sum()),
        "n_poor": int(cohort.labels.truth[cohort.patients].sum()) if classify else None,
        "excluded": _reasons(cohort.excluded["reason"]),
        "sites": tuple(sorted(table["site"].dropna().astype(str).unique()))
        if "site" in table
        else (),
        "characteristics": _characteristics(cohort),
        "missing": _missing(cohort),
    }


def _input_facts(settings: Settings, experiment: Experiment, cohort: Cohort) -> dict[str, Any]:
    record = processing_record(settings.output_dir)
    return {
        "maps": (*cohort.maps, *cohort.samples.instances),
        "mask": experiment.inputs.mask,
        "resolution": experiment.inputs.resolution,
        "mirror": experiment.inputs.mirror_lesion_to,
        "space": settings.processing.space,
        "processing": record["settings"] if record else {},
    }


def _model_facts(evaluation: Evaluation, members: Sequence[Any]) -> dict[str, Any]:
    experiment, setup = evaluation.experiment, evaluation.setup
    network = evaluation.final == experiment.model.kind
    return {
        "models": {name: LABELS[name] for name in setup.models},
        "left_out": {LABELS[name]: f"needs {why}" for name, why in setup.left_out.items()},
        "final": LABELS[evaluation.final],
        "estimator": type(members[0]).__name__,
        "predictors": needs(evaluation.final).chosen(evaluation.cohort.samples.table),
        "parameters": _parameters(members[0]),
        "network": _plain(vars(experiment.training)) if network else {},
        "n_members": len(members),
    }


def _validation_facts(experiment: Experiment, splits: pd.DataFrame) -> dict[str, Any]:
    scheme = experiment.validation.scheme.replace("_", " ").replace("kfold", "k-fold").capitalize()
    if experiment.validation.splits is not None:
        scheme = "Splits from a file of the user"
    sizes = splits.groupby(["repeat", "fold"]).size()
    return {
        "scheme": scheme,
        "repeats": int(splits["repeat"].nunique()),
        "folds": int(splits["fold"].nunique()),
        "people_per_test": f"{sizes.min()} to {sizes.max()}",
    }


def _result_facts(evaluation: Evaluation) -> dict[str, Any]:
    outcome, result = evaluation.cohort.outcome, answer(evaluation)
    classify, simpler = outcome.cutoff is not None, result.best_baseline
    return {
        "permutations": result.n_permutations or 0,
        "metrics": _metrics(evaluation),
        "calibration": _metrics(evaluation, _CALIBRATION).get(PATIENTS, {}) if classify else {},
        "coverage": _coverage(evaluation),
        **_planning(evaluation),
        "learning": _learning(evaluation),
        "headline": headline(
            result,
            label=LABELS[evaluation.final],
            target="poor outcome" if classify else outcome.text,
            baseline=LABELS.get(simpler or "", ""),
        ),
        "comparison": comparison(result, baseline=LABELS[simpler]) if simpler else "",
        "chance": chance_test(result) or "",
        "noise_floor": result.noise_floor,
        "thresholds": _thresholds(evaluation),
    }


def _planning(evaluation: Evaluation) -> dict[str, Any]:
    found = evaluation.find(SampleSize)
    rows = [] if found is None else found.sizes.to_dict("records")
    return {
        "planning": () if found is None else found.sentences,
        "sample_sizes": tuple(
            f"{LABELS[str(row['model'])]} takes {row['n_needed']} patients (Riley et al. 2020)."
            for row in rows
        ),
    }


def _thresholds(evaluation: Evaluation) -> tuple[float, float] | None:
    """Least and greatest probability at which acting was judged."""
    found = evaluation.find(Decisions)
    if found is None:
        return None
    thresholds = found.curves["threshold"]
    return float(thresholds.min()), float(thresholds.max())


def _findings(audit: pd.DataFrame) -> tuple[str, ...]:
    """Findings that a shared model may tell; of those that name people, the check alone."""
    told = audit[audit["state"] != "passed"]
    named = told["finding"].str.contains("sub-")
    checks = told["check"].map("Not met: {} (audit.tsv names the people).".format)
    return tuple(told["finding"].where(~named, checks))


def _reasons(reasons: "pd.Series[str]") -> dict[str, int]:
    """Scans left out by reason; one that names a person or a file is not repeated."""
    told = reasons.astype(str)
    told = told.where(~told.str.contains("sub-|/"), "unusable, see excluded.tsv")
    return {str(reason): int(n) for reason, n in told.value_counts().sort_index().items()}


def _characteristics(cohort: Cohort) -> dict[str, str]:
    """Means and counts, over people; time and lesions of patients alone. No extremes."""
    score = cohort.outcome.score
    people = cohort.samples.table.drop_duplicates("participant_id")
    units = {
        "age": "age (years)",
        "time_since_stroke": "time since stroke (months)",
        "lesion_volume": "lesion volume (ml)",
        score.name: f"{score.label} ({score.unit})",
    }
    told = {}
    for name, title in units.items():
        some = people[people["group"] != "control"] if name in _OF_PATIENTS else people
        values = some[name].dropna().astype(float) if name in some else pd.Series(dtype=float)
        if len(values) >= MIN_PEOPLE:
            told[title] = f"mean {values.mean():.3g}, SD {values.std():.3g}, n = {len(values)}"
    if "sex" in people:
        told["female, male"] = f"{(people['sex'] == 0).sum()}, {(people['sex'] == 1).sum()}"
    if "lesion_side" in people:
        sides = people.loc[people["group"] != "control", "lesion_side"].value_counts().sort_index()
        told["lesion side"] = ", ".join(f"{n} {side}" for side, n in sides.items())
    return told


def _missing(cohort: Cohort) -> dict[str, int]:
    patients = ~cohort.controls
    lacking = {
        str(name): int((~known[patients] if name in _OF_PATIENTS else ~known).sum())
        for name, known in cohort.known.items()
    }
    return {name: n for name, n in lacking.items() if n}


def _parameters(estimator: Any) -> dict[str, str]:
    """Settings that can be read: neither arrays, nor what belongs to this machine.

    Of a recalibrated model, those of the model inside.
    """
    params = estimator.get_params(deep=False)
    inside = params.get("model")
    if hasattr(inside, "get_params"):
        params |= {"model": type(inside).__name__, **inside.get_params(deep=False)}
    for name in ("device", "checkpoints", "start"):
        params.pop(name, None)
    return _plain({k: v for k, v in params.items() if isinstance(v, str | int | float | tuple)})


def _plain(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
        if value not in (None, "", ())
    }


def _metrics(
    evaluation: Evaluation, names: tuple[str, ...] | None = None
) -> dict[str, dict[str, str]]:
    """Metrics of the final model by population; without names, all but calibration."""
    table = evaluation.scores.metrics
    table = table[table["model"] == evaluation.final]
    chosen = table["metric"].isin(names) if names else ~table["metric"].isin(_CALIBRATION)
    told: dict[str, dict[str, str]] = {}
    for row in table[chosen & table["value"].notna()].to_dict("records"):
        name = METRICS.get(row["metric"], row["metric"])
        told.setdefault(str(row["population"]), {})[name] = metric_cell(row)
    return told


def _coverage(evaluation: Evaluation) -> tuple[str, ...]:
    found = evaluation.find(Conformal)
    return (
        ()
        if found is None
        else tuple(
            f"Coverage at {row['level']:.0%}, {row['group']}: {row['coverage']:.0%} "
            f"({row['low']:.0%} to {row['high']:.0%})."
            for row in found.coverage.to_dict("records")
        )
    )


def _learning(evaluation: Evaluation) -> tuple[str, ...]:
    """First and last point of the learning curve."""
    found = evaluation.find(LearningCurve)
    if found is None or found.curve.empty:
        return ()
    ends = found.curve.iloc[[0, -1]].to_dict("records")
    told = (
        f"{METRICS.get(row['metric'], row['metric'])} {row['value']:.2f} with "
        f"{row['n_training']:.0f} training people"
        for row in ends
    )
    return (f"Learning curve: {', '.join(told)}.",)
