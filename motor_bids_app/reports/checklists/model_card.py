"""Model card (Mitchell et al. 2019): its nine sections; numbers within them are ours."""

from motor_bids_app.reports.checklists import answers
from motor_bids_app.reports.checklists.items import Checklist, Item

_ROWS = (
    ("1.1", "Model", "Kind, settings, validation", "", answers.model_type),
    (
        "1.2",
        "Model",
        "How to get and apply it",
        "Address, licence of the model, contact.",
        answers.specification,
    ),
    ("1.3", "Model", "Software", "", answers.software),
    ("2.1", "Intended use", "What it predicts", "", answers.output),
    (
        "2.2",
        "Intended use",
        "Intended users and uses",
        "For research; say by whom, and for what. Not for the care of patients.",
        None,
    ),
    (
        "2.3",
        "Intended use",
        "Uses out of scope",
        "People, scanners and times after stroke it was not made for.",
        answers.characteristics,
    ),
    ("3.1", "Factors", "Groups of people that matter", "Which, and why; results by group.", None),
    (
        "3.2",
        "Factors",
        "Imaging and processing it depends on",
        "Scanners and sequences.",
        answers.preparation,
    ),
    ("4.1", "Metrics", "Measures", "", answers.measures),
    ("4.2", "Metrics", "Uncertainty", "", answers.uncertainty),
    ("5.1", "Evaluation data", "Data and partitions", "", answers.partition),
    ("5.2", "Evaluation data", "What keeps training and test apart", "", answers.disjoint),
    ("6.1", "Training data", "Source", "Design, places, years.", answers.data_source),
    ("6.2", "Training data", "People", "", answers.characteristics),
    ("6.3", "Training data", "Predictors and outcome", "", answers.predictors),
    ("6.4", "Training data", "Outcome", "When and how it was assessed.", answers.outcome),
    ("6.5", "Training data", "Missing data", "", answers.missing),
    ("7.1", "Results", "Performance", "", answers.performance),
    ("7.2", "Results", "Calibration", "", answers.calibration),
    ("7.3", "Results", "Sample size", "", answers.sample_size),
    (
        "8.1",
        "Ethics",
        "Consent, privacy, possible harms",
        "Ethics approval; who could be harmed by a wrong prediction.",
        None,
    ),
    ("9.1", "Caveats", "Limits of this run", "", answers.limitations),
    ("9.2", "Caveats", "Advice to users", "What to check before using it.", None),
)  # number, section, topic, left for the authors, said by the run

MODEL_CARD = Checklist(
    name="model-card",
    title="Model card",
    preamble="Sections follow Mitchell et al. (2019); numbers within them are ours. It holds no "
    "value of a single person.",
    citation="Mitchell M, Wu S, Zaldivar A, et al. Model cards for model reporting. Proceedings "
    "of FAT*, 220-229 (2019).",
    doi="10.1145/3287560.3287596",
    items=tuple(
        Item(number=number, section=section, topic=topic, open=rest, say=say)
        for number, section, topic, rest, say in _ROWS
    ),
)
