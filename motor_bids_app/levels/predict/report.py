"""What the page of a prediction run says."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.evaluation.domain import Domain
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.bundles import SavedModel
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.cohort.signal_windows import SignalPlan
from motor_bids_app.levels.predict.drivers import driven, drivers, quantity_words, undriven
from motor_bids_app.levels.predict.earlier_people import similar, usual_errors
from motor_bids_app.levels.predict.prediction import Prediction
from motor_bids_app.levels.predict.safety import kind_of_limits
from motor_bids_app.models.catalog import needs
from motor_bids_app.privacy import shown
from motor_bids_app.reports.experiment.answer import METRIC_NAMES
from motor_bids_app.reports.experiment.gate import VERDICTS, Evidence, Verdict, decide
from motor_bids_app.reports.models import LABELS
from motor_bids_app.reports.prediction.content import Person, PredictionReport

_UNITS = {"age": "years", "time_since_stroke": "months"}


def cv_performance(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Primary metric of the model in cross-validation, in the patients of its training."""
    metric = primary_metric(metadata["task"])
    rows: list[dict[str, Any]] = metadata["performance"]
    return next(row for row in rows if row["metric"] == metric and row["population"] == PATIENTS)


def verdict(metadata: Mapping[str, Any]) -> Verdict:
    """What was found of the model in cross-validation; of an earlier bundle by its performance."""
    if "verdict" in metadata:
        return VERDICTS[metadata["verdict"]]
    row = cv_performance(metadata)
    chance = 0.5 if metadata["classes"] is not None else 0.0
    n_people = row.get("n_people") or metadata["training"]["n_patients"]
    n_poor = row.get("n_poor")
    return decide(
        Evidence(
            failed=False,
            n_people=int(n_people),
            n_least_class=None if n_poor is None else int(min(n_poor, n_people - n_poor)),
            value=float(row["value"]),
            low=_number(row["low"]),
            chance=chance,
            band_high=chance + (row["noise_floor"] or 0.0),
            most=1.0,
            p=row.get("p_value"),
            gain=None,
            nuisance_as_good=False,
        )
    )


def _number(value: float | None) -> float:
    return -math.inf if value is None else float(value)


def result(metadata: Mapping[str, Any]) -> str:
    """Main metric of the model, in a sentence."""
    row = cv_performance(metadata)
    name = METRIC_NAMES.get(row["metric"], row["metric"].replace("_", " "))
    span = "no interval"
    if row["low"] is not None and row["high"] is not None:
        span = f"95 % interval {row['low']:.2f} to {row['high']:.2f}"
    n_patients = metadata["training"]["n_patients"]
    tested = row.get("n_people") or n_patients  # a holdout, or splits of the user, test some
    people = f"{tested}" if tested == n_patients else f"{tested} of {n_patients}"
    return f"{name} {row['value']:.2f} ({span}) in cross-validation, in {people} patients."


def _notes(prediction: Prediction) -> tuple[str, ...]:
    """What to look at for one person, and why the answer is not to be taken as it is."""
    sentences = [*prediction.notes]
    if prediction.outside:
        found = "; ".join(finding.text for finding in prediction.outside)
        sentences.append(f"unlike the training people: {found}")
    if prediction.in_training:
        sentences.append(
            "the model was trained on this scan, so the prediction is too optimistic: use the one "
            "in predictions.tsv of the experiment"
        )
    return tuple(sentences)


def _person(metadata: Mapping[str, Any], prediction: Prediction) -> Person:
    """What the page says of one scan."""
    classify, ordered = metadata["classes"] is not None, metadata["target"].get("ordered_classes")
    called = prediction.called if classify else None
    return Person(
        participant=prediction.participant,
        session=prediction.session,
        control=prediction.control,
        predicted=prediction.value,
        interval=prediction.interval,
        called=prediction.nearest(ordered) if ordered else called,
        possible=prediction.classes,
        answer=prediction.answer,
        unlike=tuple(dict.fromkeys(_in_sentence(found.quantity) for found in prediction.outside)),
        in_training=bool(prediction.in_training),
        notes=_notes(prediction),
        drivers=drivers(prediction.parts, metadata["model"]),
        similar=similar(metadata, prediction.value),
    )


def _in_sentence(quantity: str) -> str:
    """Name of a quantity within a sentence: abbreviations keep their capitals."""
    words = quantity_words(quantity)[0]
    return words if words[:2].isupper() else f"{words[0].lower()}{words[1:]}"


def _read(metadata: Mapping[str, Any]) -> dict[str, str]:
    """What the model reads beside the tables."""
    inputs, instances = metadata["inputs"], needs(metadata["model"]).instances
    found = {"maps": ", ".join(inputs["maps"])} if inputs["maps"] else {}
    if WINDOWS in instances:
        found["bold"] = "connectivity of M1 in sliding windows"
    if SLICES in instances:
        found["bold"] = "axial slices of the mean series"
    if SIGNALS in inputs:
        plan = SignalPlan.from_json(inputs[SIGNALS])
        counts = [sum(name.startswith(kind) for name in plan.channels) for kind in plan.kinds]
        channels = " and ".join(
            f"{count} of {kind.upper()}" for count, kind in zip(counts, plan.kinds, strict=True)
        )
        found["EEG and EMG"] = (
            f"channels: {channels}; windows of {plan.n_samples / plan.rate:g} s at {plan.rate:g} Hz"
        )
    return found or {"maps": "none"}


def build_prediction_report(
    model: SavedModel,
    predictions: Sequence[Prediction],
    skipped: pd.DataFrame,
    warnings: tuple[str, ...],
    version: str,
) -> PredictionReport:
    """Collect what the page shows; `skipped` is that of the TSV file."""
    metadata = model.metadata
    target, known = metadata["target"], [one.parts for one in predictions if one.value is not None]
    first = known[0] if known else None
    span, ordered = target.get("range"), target.get("ordered_classes", [])
    return PredictionReport(
        model=metadata["experiment"],
        model_label=LABELS.get(metadata["model"], metadata["model"]),
        task=metadata["task"],
        target=target["text"],
        verdict=verdict(metadata),
        result=result(metadata),
        unit="" if metadata["classes"] is not None or ordered else target["unit"],
        span=None if span is None else (float(span[0]), float(span[1])),
        ordered=tuple(ordered),
        people=tuple(_person(metadata, one) for one in predictions),
        undriven=undriven(first, metadata) if known else "",
        driven=driven(first, metadata),
        skipped=skipped[["participant_id", "reason"]],
        performance=pd.DataFrame(metadata["performance"])[
            ["metric", "population", "value", "low", "high"]
        ],
        noise_floor=cv_performance(metadata)["noise_floor"],
        errors=usual_errors(metadata),
        provenance=provenance(model),
        warnings=warnings,
        versions={"motor_bids_app": version},
    )


def provenance(model: SavedModel) -> dict[str, str | int | float]:
    """Where the model is from, and whom it knows."""
    metadata = model.metadata
    training, inputs = metadata["training"], metadata["inputs"]
    facts: dict[str, str | int | float] = {
        **({"use": metadata["notice"]} if "notice" in metadata else {}),
        "experiment": metadata["experiment"],
        "model": LABELS.get(metadata["model"], metadata["model"]),
        "training people": training["n_people"],
        "patients": training["n_patients"],
        "controls": training["n_controls"],
        "space": inputs["space"],
        **_read(metadata),
        "limits": kind_of_limits(metadata),
        "trained with motor_bids_app": metadata["software"]["version"],
        "bundle hash": model.digest,
    }
    domain = Domain.from_json(training["domain"])
    for kind, spreads in domain.spreads.items():
        for name, spread in spreads.items():
            if kind == name:  # facts about people; there are many features and maps
                low, high = spread.limits()
                title = f"{name.replace('_', ' ')}, 99 of 100 like those of training"
                span = f"{shown(name, low)} to {shown(name, high)}"
                facts[title] = f"{span} {_UNITS.get(name, '')}".strip()
    return facts
