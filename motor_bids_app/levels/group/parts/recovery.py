"""What was recovered: how it hangs together with the baseline, and what predictions of it say."""

from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.comparisons import compare_pairs
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.recovery import AT_CEILING, LEVEL, Coupling, Floats, coupling
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.scoring import PATIENTS, of_everyone, of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import WIDENED, Columns, Page, Part
from motor_bids_app.models.tables.columns import BASELINE
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import comparison_table, models_table
from motor_bids_app.reports.pages import Reference, Table

_ALONE = "persistence"
_KEPT = ["model", "population", "metric", "value", "low", "high"]
_REFERENCES = (
    Reference(
        key="Hope et al. 2019",
        citation="Hope TMH, Friston K, Price CJ, Leff AP, Rotshtein P, Bowman H. Recovery after "
        "stroke: not so proportional after all? Brain 142:15-22, 2019.",
        doi="10.1093/brain/awy302",
    ),
    Reference(
        key="Hawe et al. 2019",
        citation="Hawe RL, Scott SH, Dukelow SP. Taking proportional out of stroke recovery. "
        "Stroke 50:204-211, 2019.",
        doi="10.1161/STROKEAHA.118.023006",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Recovery(Part):
    """Coupling of baseline and change, and the same predictions in units of the later score."""

    names: ClassVar = ("recovery", "metrics_later", "added_to_baseline")
    columns: ClassVar[Columns] = {
        "n": {"Description": "Patients"},
        "reference": {"Description": "The baseline score alone"},
        "difference": {"Description": "Metric of the model minus that of the reference"},
        "t": {"Description": "Statistic of the corrected resampled t-test"},
        "p_holm": {"Description": "p, corrected by Holm for the number of comparisons"},
        "n_splits": {"Description": "Splits compared"},
        "r_change": {"Description": "Correlation of the baseline score with the change"},
        "r_later": {"Description": "Correlation of the baseline score with the later score"},
        "sd_ratio": {"Description": "Standard deviation of later scores over that of the baseline"},
        "null_r": {"Description": "Mean r_change where later scores are those of other people"},
        "null_low": {"Description": "2.5 % quantile of r_change where they are"},
        "null_high": {"Description": "97.5 % quantile of r_change where they are"},
        "p_value": {
            "Description": "One-sided, of r_later against scores of others; two-sided, of models"
        },
        "share": {
            "Description": "Slope of the change on what could be recovered, with later scores at "
            "the best one taken as at least that"
        },
        "share_low": {"Description": "Lower limit of its 95 % interval (HC3)"},
        "share_high": {"Description": "Upper limit of that interval"},
        "at_ceiling": {"Description": "Share of people with the best score later"},
        "proportional": {"Description": "Whether proportional recovery is shown beyond coupling"},
        "value": {"Description": "Metric in units of the later score"},
        "low": {"Description": f"Lower limit of the 95 % interval{WIDENED}"},
        "high": {"Description": "Upper limit of that interval"},
    }

    coupling: Coupling | None
    later: pd.DataFrame
    added: pd.DataFrame | None

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Measure both, where a change or a share of it is predicted."""
        cohort, outcome, seed = (
            evaluation.cohort,
            evaluation.cohort.outcome,
            evaluation.builder.seed,
        )
        if outcome.source is None:
            return None
        table = cohort.samples.table
        known = table[BASELINE].groupby(table["participant_id"].to_numpy(object)).mean()
        truth: Floats = np.asarray(cohort.labels.truth, dtype=np.float64)
        start: Floats = np.asarray(known.reindex(cohort.labels.truth.index), dtype=np.float64)
        end = later_score(truth, start, outcome)
        patients = cohort.patients
        later = {
            name: as_later(one, start, outcome)
            for name, one in of_everyone(evaluation.tables, cohort).items()
        }
        metrics = metrics_table(later, "regression", seed, {PATIENTS: patients})
        return cls(
            coupling=coupling(start[patients], end[patients], outcome.source.best, seed),
            later=metrics[_KEPT],
            added=_added(evaluation),
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`recovery`, `metrics_later`, and `added_to_baseline` where the baseline is a model."""
        found = {"metrics_later": self.later}
        if self.coupling is not None:
            row = {**asdict(self.coupling), "proportional": self.coupling.proportional}
            found["recovery"] = pd.DataFrame([row])
        return found if self.added is None else {**found, "added_to_baseline": self.added}

    def blocks(self, page: Page) -> list[Block]:
        """Coupling with its verdict, what the model adds to the baseline, and the later score."""
        source = page.outcome.source
        assert source is not None
        blocks = []
        if self.coupling is not None:
            blocks.append(
                Block(
                    place="models",
                    title="Is recovery proportional?",
                    text=verdict(self.coupling),
                    tables=(_coupling_table(self.coupling),),
                    references=_REFERENCES,
                )
            )
        if self.added is not None:
            table = comparison_table(self.added, page.models)
            table = replace(
                table,
                caption="The final model beside the baseline score alone, whose line contains both "
                "no change and proportional recovery.",
                columns=("Model", "Compared with", *table.columns[2:]),
            )
            blocks.append(
                Block(place="models", title="What is added to the baseline score", tables=(table,))
            )
        shown = models_table(self.later, page.models, "regression", PATIENTS, page.label)
        caption = (
            f"The same predictions as {source.label}{page.outcome.at} ({source.unit}), in "
            "patients, with 95 % intervals: baseline and predicted change together."
        )
        later = replace(shown, caption=caption)
        return [
            *blocks,
            Block(place="models", title="In units of the later score", tables=(later,)),
        ]


def later_score(values: Floats, start: Floats, outcome: Outcome) -> Floats:
    """The later score that a change, or a recovered share, amounts to; shapes broadcast."""
    assert outcome.source is not None
    change = values if outcome.kind == "change" else values * (outcome.source.best - start)
    return np.asarray(start + change, dtype=np.float64)


def as_later(predictions: Predictions, start: Floats, outcome: Outcome) -> Predictions:
    """Predictions of the later score, within its range; `start` has shape (n_people,)."""
    assert outcome.source is not None
    told = later_score(predictions.values, start, outcome)
    return replace(
        predictions,
        values=np.clip(told, outcome.source.minimum, outcome.source.maximum),
        truth=later_score(predictions.truth, start, outcome),
    )


def verdict(found: Coupling) -> str:
    """What the coupling allows to say, in words."""
    said = (
        f"Baseline and change correlate by {found.r_change:.2f}; where later scores are dealt out "
        f"to other people, by {found.null_r:.2f} ({found.null_low:.2f} to {found.null_high:.2f}), "
        "because change contains the baseline. "
    )
    if found.proportional:
        said += (
            f"Later scores follow the baseline beyond that (r {found.r_later:.2f}, p = "
            f"{found.p_value:.2g}), and people gained {found.share:.0%} of what they could recover "
            f"({found.share_low:.0%} to {found.share_high:.0%}): recovery is proportional beyond "
            "mathematical coupling. Measurement error of the baseline alone produces a small share."
        )
    elif found.p_value > LEVEL:
        said += (
            f"Later scores do not follow the baseline beyond that (r {found.r_later:.2f}, p = "
            f"{found.p_value:.2g}): proportional recovery is not shown."
        )
    else:
        said += (
            f"Later scores follow the baseline (r {found.r_later:.2f}), but that gains grow with "
            f"what could be recovered is not shown (slope {_slope_text(found)}): proportional "
            "recovery is not shown."
        )
    if found.at_ceiling > AT_CEILING:
        said += (
            f" {found.at_ceiling:.0%} of people have the best score later. The slope takes their "
            "gains as at least what they are, as a ceiling alone makes gains look proportional; "
            "it takes errors to be normal, so read it with care."
        )
    return said


def _slope_text(found: Coupling) -> str:
    """The slope with its interval."""
    if np.isnan(found.share):
        return "unknown: nearly all have the best score later, or the same baseline"
    return f"{found.share:.2f}, {found.share_low:.2f} to {found.share_high:.2f}"


def _added(evaluation: Evaluation) -> pd.DataFrame | None:
    """The final model against the baseline score alone."""
    final, tables = evaluation.final, evaluation.tables
    if _ALONE not in tables or final == _ALONE:
        return None
    chosen = {name: tables[name] for name in (final, _ALONE)}
    predictions = of_patients(chosen, evaluation.cohort)
    seed = evaluation.builder.seed
    return compare_pairs(predictions, [(final, _ALONE)], evaluation.task, seed)


def _coupling_table(found: Coupling) -> Table:
    rows = (
        ("People", f"{found.n}"),
        ("r of baseline and change", f"{found.r_change:.2f}"),
        (
            "the same where later scores are of other people",
            f"{found.null_r:.2f} ({found.null_low:.2f} to {found.null_high:.2f})",
        ),
        ("r of baseline and later score", f"{found.r_later:.2f}"),
        ("SD of later scores / SD of the baseline", f"{found.sd_ratio:.2f}"),
        ("change per point that could be recovered", _slope_text(found)),
        ("at the best score later", f"{found.at_ceiling:.0%}"),
    )
    return Table(
        caption="Coupling of the baseline and the change since, in patients.",
        columns=("Measure", "Value"),
        rows=rows,
        numeric=frozenset({1}),
    )
