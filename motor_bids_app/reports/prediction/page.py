"""The page of a model applied to people: predictions in words, and how far to trust them."""

import math
from dataclasses import dataclass

from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.experiment.tables import POPULATIONS
from motor_bids_app.reports.pages import Table, format_number, render
from motor_bids_app.reports.prediction.content import Driver, Person, PredictionReport
from motor_bids_app.reports.prediction.sentences import sentence, withheld

_CAUTION = (
    "It is not a diagnosis or a prognosis, the model is not a medical device, and nothing here "
    "may guide patient care.",
    "It must not be used to choose or withhold treatment, to allocate therapy, or to compare "
    "people with one another.",
    "It must not be used for people unlike the training people; the page names them.",
    "What drove a prediction is arithmetic of the model, not a cause of the impairment.",
)
_OPEN = 5  # people whose details are shown without a click
_SHOWN = 6  # inputs of a person
_STRONG = 1e-9  # share of the greatest, below which an input adds nothing


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One person as the page prints it; places on the picture are in percent."""

    person: Person
    key: str  # anchor
    sentence: str
    number: str = ""
    mark: float | None = None
    band: tuple[float, float] | None = None  # start and width
    drivers: tuple[tuple[Driver, float, str], ...] = ()  # with the length of its bar, and its side
    rest: str = ""

    @property
    def name(self) -> str:
        """Participant and session."""
        return " ".join(filter(None, (self.person.participant, self.person.session)))


def render_prediction(report: PredictionReport) -> str:
    """Return the page of one prediction run as one self-contained HTML file."""
    rows = [_row(report, person, number) for number, person in enumerate(report.people, start=1)]
    return render(
        "prediction.html",
        report=report,
        contents={"people": "People", "trust": "Trust", "provenance": "Provenance"},
        caution=_CAUTION,
        ends=_ends(report),
        summary=_summary(report, rows),
        rows=rows,
        opened=len(rows) <= _OPEN,
        skipped=Table.of(
            report.skipped, "Who, and why.", {"participant_id": "Participant", "reason": "Reason"}
        ),
        trust=_trust(report),
        performance=_performance(report),
        provenance=Table(
            caption="As recorded at training.",
            columns=("Fact", "Value"),
            rows=tuple(report.provenance.items()),
        ),
        versions=report.versions,
    )


def _row(report: PredictionReport, person: Person, number: int) -> _Row:
    said = sentence(report, person)
    row = {"person": person, "key": f"person-{number}", "sentence": said}
    if withheld(report, person) or person.predicted is None:
        return _Row(**row)  # type: ignore[arg-type]
    low, high = _axis(report)
    wide = (high - low) or 1.0

    def place(value: float) -> float:
        return round(100 * min(max((value - low) / wide, 0), 1), 1)

    band = None
    if person.interval:
        start, end = (place(limit) for limit in person.interval)
        band = (start, round(end - start, 1))
    drivers, rest = _drivers(report, person)
    return _Row(
        person=person,
        key=f"person-{number}",
        sentence=said,
        number=_number(report, person),
        mark=place(person.predicted),
        band=band,
        drivers=drivers,
        rest=rest,
    )


def _axis(report: PredictionReport) -> tuple[float, float]:
    """Ends of the picture: the range of what is predicted, or of all who are."""
    if report.task == "classification":
        return 0.0, 1.0
    if report.ordered:
        return 0.0, float(len(report.ordered) - 1)
    if report.span:
        return report.span
    ends = [x for p in report.people for x in (p.predicted, *(p.interval or ()))]
    known = [float(x) for x in ends if x is not None and math.isfinite(x)]
    return min(known, default=0.0), max(known, default=1.0)


def _ends(report: PredictionReport) -> tuple[str, str]:
    """What stands at the ends of the picture."""
    if report.task == "classification":
        return "good outcome", "poor outcome"
    if report.ordered:
        return report.ordered[0], report.ordered[-1]
    low, high = _axis(report)
    return format_number(low), f"{format_number(high)} {report.unit}".strip()


def _number(report: PredictionReport, person: Person) -> str:
    if report.task == "classification":
        return f"Probability of a poor outcome {person.predicted:.2f}"
    name = "Expected class number" if report.ordered else report.target
    span = ""
    if person.interval:
        span = " ({} to {})".format(*map(format_number, person.interval))
    return f"{name}: {format_number(person.predicted)}{span} {report.unit}".strip()


def _drivers(
    report: PredictionReport, person: Person
) -> tuple[tuple[tuple[Driver, float, str], ...], str]:
    """The inputs that added most, with bars relative to the greatest, and what the others add."""
    largest = max((abs(driver.amount) for driver in person.drivers), default=0.0)
    strong = [d for d in person.drivers if abs(d.amount) > _STRONG * max(largest, 1e-300)]
    strong.sort(key=lambda driver: -abs(driver.amount))
    shown, others = strong[:_SHOWN], strong[_SHOWN:]
    sides = ("raises", "lowers")
    if report.task == "classification":
        sides = ("towards poor", "towards good")
    bars = tuple(
        (driver, round(100 * abs(driver.amount) / largest, 1), sides[driver.amount < 0])
        for driver in shown
    )
    rest = sum(driver.amount for driver in others)
    return bars, f"{len(others)} others together add {rest:+.2f}." if others else ""


def _summary(report: PredictionReport, rows: list[_Row]) -> dict[str, int]:
    people = report.people
    facts = {"People": len(people)}
    if report.task == "classification":
        for name in ("poor", "good"):
            likely = [r for r in rows if r.number and r.person.called == name]
            facts[f"Most likely {name}"] = len(likely)
            sure = [r for r in likely if r.person.possible == (name,)]
            facts[f"of them, {'good' if name == 'poor' else 'poor'} unlikely"] = len(sure)
    counts = {
        "Prediction withheld": sum(not row.number for row in rows),
        "Unlike the training group": sum(bool(person.unlike) for person in people),
        "Were in training": sum(person.in_training for person in people),
        "Healthy controls": sum(person.control for person in people),
        "Could not be predicted": len(report.skipped),
    }
    return facts | {label: count for label, count in counts.items() if count}


def _trust(report: PredictionReport) -> str:
    text = (
        "Performance in cross-validation, on people of the training cohort held out from training. "
        "Expect lower performance on other scanners and in other patients."
    )
    if report.noise_floor is not None and math.isfinite(report.noise_floor):
        text += (
            " In a cohort of this size, a useless model could score up to "
            f"{report.noise_floor:.2f} above chance in the main metric."
        )
    return f"{text} {report.errors}".strip()


def _known(text: str) -> str:
    """The text, or n/a where it holds no number: a constant prediction has no slope."""
    return "n/a" if "nan" in text or "inf" in text else text


def _performance(report: PredictionReport) -> Table:
    rows = [
        (
            METRICS.get(row["metric"], row["metric"]),
            POPULATIONS.get(row["population"], row["population"]),
            _known(f"{row['value']:.2f}"),
            _known(f"{row['low']:.2f} to {row['high']:.2f}"),
        )
        for _, row in report.performance.iterrows()
    ]
    return Table(
        caption="Cross-validated performance of this kind of model.",
        columns=("Metric", "In", "Value", "95 % interval"),
        rows=tuple(rows),
        numeric=frozenset({2, 3}),
    )
