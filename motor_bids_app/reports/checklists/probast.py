"""PROBAST+AI (Moons et al. 2025): 16 questions on development, 18 on evaluation; own wording."""

from motor_bids_app.reports.checklists import answers
from motor_bids_app.reports.checklists.items import Checklist, Item

_SHARED = {  # questions of both parts; each with what the reader needs beside the run
    "participants and data": (
        ("Are the data sources appropriate", "Design and origin of the data.", answers.data_source),
        ("Is the study design appropriate", "Design of the study that collected the data.", None),
        ("Is the sample representative after exclusions", "Who is missing, and why.", answers.flow),
    ),
    "predictors": (
        (
            "Are they defined and measured alike for all",
            "Scanners, sequences, raters of lesions.",
            answers.predictors,
        ),
        ("Is preprocessing alike for all", "Whether some had other images.", answers.preparation),
        (
            "Were they assessed without knowledge of the outcome",
            "What raters of lesions knew.",
            None,
        ),
        (
            "Are they available when the model is to be used",
            "When each is known.",
            answers.predictors,
        ),
    ),
    "outcome": (
        ("Is it defined and assessed appropriately", "Protocol of the score.", answers.outcome),
        (
            "Is it defined and assessed alike for all",
            "In all sites, and in controls.",
            answers.outcome,
        ),
        ("Was it assessed without use of predictors", "What raters of the score knew.", None),
        (
            "Is the time between predictors and outcome appropriate",
            "Time from image to score.",
            None,
        ),
    ),
}
_DEVELOPMENT = (
    ("Is the sample large enough", "", answers.sample_size),
    (
        "Are continuous and categorical predictors handled appropriately",
        "Values cut into classes before the run.",
        answers.predictors,
    ),
    ("Are missing data handled appropriately", "Why values are missing.", answers.missing),
    (
        "If classes were balanced, were predictions recalibrated",
        "Does not apply if they were not.",
        answers.imbalance,
    ),
    ("Was overfitting countered", "", answers.overfitting),
)
_EVALUATION = (
    ("Is there more than apparent performance", "", answers.internal),
    ("Is the sample large enough", "", answers.sample_size),
    ("Are missing data handled appropriately", "Why values are missing.", answers.missing),
    (
        "If classes were balanced, were the test people left as they are",
        "Does not apply if they were not.",
        answers.imbalance,
    ),
    ("If data were split, was leakage avoided", "", answers.disjoint),
    (
        "If data were resampled, were all steps of development repeated",
        "Choices made on all people before the run.",
        answers.model_type,
    ),
    (
        "Is performance measured appropriately (calibration, discrimination, net benefit)",
        "",
        answers.performance,
    ),
)

PROBAST = Checklist(
    name="probast-ai",
    title="PROBAST+AI: quality and risk of bias",
    preamble="What this run shows for each signalling question. The software judges nothing: "
    "answers (yes, probably yes, probably no, no, no information), ratings of domains and "
    "applicability are for a reader who did not build the model. D and E are the parts on "
    "development and evaluation, followed by domain and question; the wording is ours.",
    citation="Moons KGM, Damen JAA, Kaul T, et al. PROBAST+AI: an updated quality, risk of bias, "
    "and applicability assessment tool for prediction models using regression or artificial "
    "intelligence methods. BMJ 388, e082505 (2025).",
    doi="10.1136/bmj-2024-082505",
    items=tuple(
        Item(
            number=f"{part[0]} {domain}.{place}",
            section=f"{part}: {name}",
            topic=f"{question}?",
            open=f"Your judgement. {needed}".strip(),
            say=say,
        )
        for part, analysis in (("Development", _DEVELOPMENT), ("Evaluation", _EVALUATION))
        for domain, (name, questions) in enumerate(
            (_SHARED | {"analysis": analysis}).items(), start=1
        )
        for place, (question, needed, say) in enumerate(questions, start=1)
    ),
)
