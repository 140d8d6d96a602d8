"""How good the models are, how that varies, and which is better."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.chance import PERMUTED
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.charts import metric_forest, split_spread
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import (
    POPULATIONS,
    comparison_table,
    models_table,
    nuisance_table,
)
from motor_bids_app.reports.pages import Table


@dataclass(frozen=True, kw_only=True)
class Performance(Part):
    """Metrics of all models; columns of `metrics` as of `Scores`."""

    names: ClassVar = ("metrics",)
    columns: ClassVar[Columns] = {
        "p_value": {"Description": f"{PERMUTED}, and for all metrics but the main one"},
        "delong_low": {"Description": "Lower limit of the 95 % interval by DeLong, of the AUC"},
        "delong_high": {"Description": "Upper limit of that interval"},
        "noise_floor": {
            "Description": "Half-width of the band that chance alone fills in this "
            "cross-validation: Hanley-McNeil (AUC, at least that of permutations where the model "
            "has a test) or Fisher (r), wider because the people who are tested also train; "
            "binomial for shares, Olkin-Finn for R2"
        },
        "repeat_sd": {"Description": "Standard deviation of the metric over repeats"},
        "repeat_min": {"Description": "Least value over repeats"},
        "repeat_max": {"Description": "Greatest value over repeats"},
    }

    metrics: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Take the scores."""
        return cls(metrics=evaluation.scores.metrics)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`metrics`."""
        return {"metrics": self.metrics}

    def blocks(self, page: Page) -> list[Block]:
        """A table for each population, and the main metric of all models as a figure."""
        answer = page.answer
        figure = metric_forest(
            self.metrics,
            page.models,
            metric=answer.metric,
            chance=answer.chance,
            noise_floors=self._noise_floors(answer.metric),
            ceiling=page.ceiling,
        )
        return [
            Block(place="models", tables=tuple(t for t in self._by_population(page) if t.rows)),
            Block(place="figures", figures=(figure,)),
        ]

    def _noise_floors(self, metric: str) -> dict[str, float]:
        """Band of chance of each model, in patients."""
        table = self.metrics[self.metrics["metric"] == metric]
        patients = table[table["population"] == PATIENTS]
        return dict(zip(patients["model"], patients["noise_floor"], strict=True))

    def _by_population(self, page: Page) -> list[Table]:
        task, label = page.outcome.task, page.label
        tables = [
            models_table(self.metrics, page.models, task, population, label)
            for population in POPULATIONS
        ]
        if task == "classification":
            calibration = models_table(self.metrics, page.models, "calibration", "patients", label)
            tables.insert(1, calibration)
        return tables


@dataclass(frozen=True, kw_only=True)
class Spread(Part):
    """Metrics of each test set; columns of `fold_metrics` as of `Scores`."""

    fold_metrics: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Take the scores."""
        return cls(fold_metrics=evaluation.scores.fold_metrics)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """None: they follow from those of predictions."""
        return {}

    def blocks(self, page: Page) -> list[Block]:
        """The main metric in each test set, as a figure."""
        answer = page.answer
        figure = split_spread(
            self.fold_metrics, page.models, metric=answer.metric, chance=answer.chance
        )
        return [Block(place="figures", figures=(figure,))]


@dataclass(frozen=True, kw_only=True)
class Comparisons(Part):
    """Each model against the best of the simpler ones, and what is beside against the network."""

    names: ClassVar = ("comparisons",)
    columns: ClassVar[Columns] = {
        "reference": {
            "Description": "What the model is compared with: the best of the simpler models; "
            "nuisance (missing values, image quality and site), in a further row where that is "
            "another one; or the network that it varies, for what is evaluated beside the models"
        },
        "difference": {"Description": "Metric of the model minus that of the reference"},
        "t": {
            "Description": "Statistic of the corrected resampled t-test (Nadeau and Bengio 2003)"
        },
        "p_value": {
            "Description": "Two-sided p, not corrected for several comparisons: the greater of "
            "that test over splits and of one over people (Hanley and McNeil 1983 for the AUC, "
            "paired t-test of errors else); n/a in fewer than 3 splits, or where differences do "
            "not vary"
        },
        "p_holm": {"Description": "That p, corrected by Holm for the number of models compared"},
        "n_splits": {"Description": "Splits compared"},
    }

    comparisons: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Take the scores."""
        return cls(comparisons=evaluation.scores.comparisons)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`comparisons`."""
        return {"comparisons": self.comparisons}

    def blocks(self, page: Page) -> list[Block]:
        """A table of the models of the ladder."""
        shown = self.comparisons[self.comparisons["model"].isin(list(page.models))]
        later = shown.duplicated("model")  # each model first has its row on the best simpler one
        found = {
            "Against the best simpler model": comparison_table(shown[~later], page.models),
            "Against what is no biology": nuisance_table(shown[later], page.models),
        }
        return [
            Block(place="models", title=title, tables=(table,))
            for title, table in found.items()
            if table.rows
        ]
