"""Small images, tables and pages for the tests of reports."""

from html.parser import HTMLParser

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.reports.experiment.answer import Answer
from motor_bids_app.reports.experiment.charts import metric_forest, probability_strips
from motor_bids_app.reports.experiment.content import Block, ExperimentReport
from motor_bids_app.reports.experiment.tables import models_table
from motor_bids_app.reports.pages import Table

MODELS = {"prevalence": "Share of poor outcomes", "tract_load": "Tract load", "kernel": "Kernel"}


def make_head() -> nib.Nifti1Image:
    """A ball with a bright spot in its left half (x < 0), 4 mm voxels in RAS."""
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -46
    x, y, z = np.moveaxis(np.indices((24, 24, 24)), 0, 0) * 4 - 46
    ball = (x**2 + y**2 + z**2 < 40**2) * 100.0
    ball[(x + 20) ** 2 + y**2 + z**2 < 10**2] = 1000
    return nib.Nifti1Image(ball.astype(np.float32), affine)


def brighter(head: nib.Nifti1Image, than: float) -> nib.Nifti1Image:
    """Mask of the voxels of a head above a value."""
    return nib.Nifti1Image((head.get_fdata() > than).astype(np.uint8), head.affine)


@pytest.fixture
def head() -> nib.Nifti1Image:
    return make_head()


@pytest.fixture
def brain(head) -> nib.Nifti1Image:
    return brighter(head, 0)


@pytest.fixture
def spot(head) -> nib.Nifti1Image:
    return brighter(head, 500)


@pytest.fixture
def predictions() -> pd.DataFrame:
    """One row per person and model: 30 people, later models better."""
    generator = np.random.default_rng(4)
    truth = np.arange(30) % 3 == 0
    tables = []
    for strength, model in enumerate(MODELS):
        latent = 1.5 * strength * (truth - 0.5) + generator.normal(size=30) * (strength > 0)
        tables.append(
            pd.DataFrame(
                {
                    "participant_id": [f"sub-{number:02d}" for number in range(30)],
                    "model": model,
                    "group": "patient",
                    "true": truth.astype(int),
                    "predicted": 1 / (1 + np.exp(-latent)),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def metrics() -> pd.DataFrame:
    rows = [
        (model, population, metric, value, value - 0.1, value + 0.08)
        for model, value in zip(MODELS, (0.5, 0.7, 0.8), strict=True)
        for population in ("all", "patients")
        for metric in ("roc_auc", "balanced_accuracy_own")
    ]
    return pd.DataFrame(rows, columns=["model", "population", "metric", "value", "low", "high"])


@pytest.fixture
def answer() -> Answer:
    return Answer(
        model="kernel",
        metric="roc_auc",
        n_people=30,
        value=0.8,
        low=0.7,
        high=0.88,
        chance=0.5,
        noise_floor=0.2,
        best_baseline="tract_load",
        difference=0.1,
        difference_low=-0.02,
        difference_high=0.2,
        p_value=0.12,
    )


@pytest.fixture
def experiment(answer, predictions, metrics, audit) -> ExperimentReport:
    tables = tuple(
        models_table(metrics, MODELS, "classification", population, "Kernel")
        for population in ("patients", "all")
    )
    forest = metric_forest(metrics, MODELS, metric="roc_auc", chance=0.5, noise_floors={})
    strips = probability_strips(predictions, MODELS, positive="poor", negative="good")
    return ExperimentReport(
        name="baselines",
        description="Simple models.",
        question="Who has a poor outcome?",
        target="poor outcome",
        answer=answer,
        n_patients=30,
        n_controls=0,
        models=MODELS,
        cohort=pd.DataFrame({"characteristic": ["people"], "poor": ["10"], "good": ["20"]}),
        excluded=pd.DataFrame({"participant_id": [], "reason": []}),
        blocks=(
            Block(place="models", tables=tables),
            Block(place="figures", figures=(forest, strips)),
            Block(place="audit", tables=(Table.of(audit, "Checks."),)),
        ),
        splits={"scheme": "repeated k-fold"},
        safeguards=("People are on one side.",),
        configuration='name = "baselines"\n',
    )


@pytest.fixture
def audit() -> pd.DataFrame:
    return pd.DataFrame(
        {"check": ["no person in two folds"], "state": ["passed"], "finding": ["Fine."]}
    )


class Page(HTMLParser):
    """What tests ask of a page: its tags with their attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, *names):
        """Attributes of every tag of these names."""
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def text(self):
        """Text with single spaces."""
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def read_page():
    return Page
