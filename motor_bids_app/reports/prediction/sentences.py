"""One sentence for each person: what is most likely, what cannot be ruled out, and what is odd."""

import math

from motor_bids_app.reports.pages import format_number
from motor_bids_app.reports.prediction.content import Person, PredictionReport

POOR, GOOD = "poor", "good"
_WIDE = 0.8  # share of the scale that an interval covers which says little
_MOST_NAMED = 2  # quantities in which a person is unlike others


def sentence(report: PredictionReport, person: Person) -> str:
    """Return what may be said of a person, and no number where there is none to trust."""
    start = "Healthy control: the model was made for patients. " if person.control else ""
    reason = withheld(report, person)
    said = reason or _likely(report, person)
    return f"{start}{said}{_unlike(person, widened=not reason and person.answer == 'widened')}."


def withheld(report: PredictionReport, person: Person) -> str:
    """Return why a person is given no number; empty where one is given."""
    if person.answer == "refused" or person.predicted is None:
        return "No prediction was made"
    if person.in_training:
        return "No prediction: the model was trained on this scan and has seen the outcome"
    if not report.trusted:
        return f"No usable prediction: {report.verdict.words}"
    if report.task == "classification":
        known = person.possible is not None
    else:
        known = person.interval is not None
    if not known or not math.isfinite(person.predicted):
        return "No usable prediction: its uncertainty is unknown"
    return ""


def _unlike(person: Person, *, widened: bool) -> str:
    if not person.unlike:
        return ""
    named = list(person.unlike[:_MOST_NAMED])
    more = len(person.unlike) - len(named)
    named += [f"{more} other {'thing' if more == 1 else 'things'}"] if more else []
    text = f"; unlike the training group in {joined(named)}"
    return text + (", so that less can be ruled out" if widened else "")


def _likely(report: PredictionReport, person: Person) -> str:
    if report.task == "classification":
        return _of_two(person)
    assert person.interval is not None  # else it is withheld
    if report.task == "ordinal":
        return _of_several(report, person, person.interval)
    return _of_score(report, person, person.interval)


def _of_two(person: Person) -> str:
    called = person.called or ""
    other = GOOD if called == POOR else POOR
    text = f"Most likely a {called} outcome"
    if person.possible == (called,):
        return f"{text}; a {other} one is unlikely"
    if not person.possible:  # of split-conformal sets
        return f"Neither outcome fits this person well; {called} is slightly closer"
    return f"{text}; a {other} one cannot be ruled out"


def _of_several(report: PredictionReport, person: Person, interval: tuple[float, float]) -> str:
    most = len(report.ordered) - 1
    low, high = (min(max(math.floor(end + 0.5), 0), most) for end in interval)
    others = [name for name in report.ordered[low : high + 1] if name != person.called]
    if not others:
        return f"Most likely {person.called}; every other class is unlikely"
    if len(others) == most:
        return f"Most likely {person.called}; no class can be ruled out"
    return f"Most likely {person.called}; {joined(others)} cannot be ruled out"


def _of_score(report: PredictionReport, person: Person, interval: tuple[float, float]) -> str:
    unit = f" {report.unit}" if report.unit else ""
    low, high = (format_number(end) for end in interval)
    text = (
        f"Most likely about {format_number(person.predicted)}{unit}; {low} to {high} cannot be "
        "ruled out"
    )
    if report.span and interval[1] - interval[0] > _WIDE * (report.span[1] - report.span[0]):
        return f"{text}, which is most of the scale and of little use"
    return text


def joined(words: list[str]) -> str:
    """List words in a sentence.

    >>> joined(["age"]), joined(["age", "site"]), joined(["age", "site", "sex"])
    ('age', 'age and site', 'age, site and sex')
    """
    return " and ".join([*([", ".join(words[:-1])] if words[:-1] else []), *words[-1:]])
