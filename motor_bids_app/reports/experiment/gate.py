"""The one gate of all headlines: which of a few fixed verdicts a result may have."""

from dataclasses import dataclass

SURE = 0.05  # p of the permutation test, and of the comparison
LEAST, LEAST_CLASS = 10, 4  # patients tested, in all and of each class


@dataclass(frozen=True)
class Verdict:
    """What may be said of a result.

    `state` is the colour: "good", "warn", "plain" or "bad" (red).
    """

    words: str
    state: str


VOID = Verdict("not valid: the audit failed", "bad")
FEW = Verdict("too few patients to tell", "plain")
CHANCE = Verdict("no evidence that it is better than chance", "plain")
WEAK = Verdict("weak evidence that it is better than chance", "warn")
NUISANCE = Verdict("no better than non-biological variables", "warn")
SIMPLER = Verdict("better than chance, but no better than a simpler model", "warn")
ALONE = Verdict("better than chance", "good")
BETTER = Verdict("better than chance and than the simpler models", "good")
VERDICTS = {one.words: one for one in (VOID, FEW, CHANCE, WEAK, NUISANCE, SIMPLER, ALONE, BETTER)}
VERDICTS["no better than what is no biology"] = NUISANCE  # in models of earlier versions


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the gate looks at, of the main metric in the patients tested.

    `band_high` is the most that guessing scores, and `most` the metric's greatest value. `p` is
    that of the permutation test, where there is one. `gain` says whether the model is better (1) or
    worse (-1) than the best simpler one, the base rate apart, or neither (0); None where there is
    no such model.
    """

    failed: bool  # a check of the audit, which was allowed to
    n_people: int
    n_least_class: int | None  # patients of the rarer class; None for scores
    value: float
    low: float
    chance: float
    band_high: float
    most: float
    p: float | None
    gain: int | None
    nuisance_as_good: bool  # gaps, quality and site alone do as well


def decide(evidence: Evidence) -> Verdict:
    """Return the verdict, the gravest first."""
    of_class = LEAST_CLASS if evidence.n_least_class is None else evidence.n_least_class
    few = evidence.n_people < LEAST or of_class < LEAST_CLASS
    if evidence.failed:
        return VOID
    if few or evidence.band_high >= evidence.most:
        return FEW
    found = _against_chance(evidence)
    if found is not ALONE:
        return found
    if evidence.nuisance_as_good:
        return NUISANCE
    if evidence.gain is None:
        return ALONE
    return BETTER if evidence.gain > 0 else SIMPLER


def _against_chance(evidence: Evidence) -> Verdict:
    """Judge by the permutation test where there is one, else by interval and band.

    A permutation test without an interval above chance is weak evidence: few ways to shuffle the
    outcomes, or a lucky draw.
    """
    above = evidence.low > evidence.chance
    if evidence.p is None:
        return ALONE if above and evidence.value > evidence.band_high else CHANCE
    if evidence.p >= SURE:
        return CHANCE
    return ALONE if above else WEAK
