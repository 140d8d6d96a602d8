"""What may be said of a model on people of elsewhere: one of a few fixed verdicts."""

from dataclasses import dataclass

from motor_bids_app.reports.experiment.gate import LEAST, LEAST_CLASS, Verdict

FEW = Verdict("too few people to tell", "plain")
CHANCE = Verdict("no evidence that it works here", "bad")
OFF = Verdict("tells people apart here, but needs updating", "warn")
HOLDS = Verdict("holds here", "good")


@dataclass(frozen=True, kw_only=True)
class ExternalEvidence:
    """What the verdict looks at, in patients the model was not trained on.

    `band_high` is the most that guessing scores, and `most` the greatest value of the metric.
    `calibration` has the 95 % interval and the ideal of each measure of calibration; `update` says
    whether an update of the model does better than the model as it is.
    """

    n_people: int
    n_least_class: int | None  # people of the rarer class; None for scores
    value: float | None  # of the main metric; None where it is not defined
    low: float
    chance: float
    band_high: float
    most: float
    calibration: tuple[tuple[float, float, float], ...]  # low, high, ideal
    update: bool


def decide_external(evidence: ExternalEvidence) -> Verdict:
    """Return the verdict, the gravest first."""
    of_class = LEAST_CLASS if evidence.n_least_class is None else evidence.n_least_class
    few = evidence.n_people < LEAST or of_class < LEAST_CLASS
    if few or evidence.value is None or evidence.band_high >= evidence.most:
        return FEW
    if not (evidence.low > evidence.chance and evidence.value > evidence.band_high):
        return CHANCE
    off = any(low > ideal or high < ideal for low, high, ideal in evidence.calibration)
    return OFF if off or evidence.update else HOLDS
