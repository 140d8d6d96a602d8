"""Whether published figures are possible for so many people.

Of 30 people 27 or 28 may be predicted rightly, but not 27.5: an accuracy of 0.917 in them was
misprinted, or is another quantity than it is said to be (for means of whole numbers: Brown and
Heathers 2017, Social Psychological and Personality Science 8:363).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from motor_bids_app.evaluation.leakage import Row

CHECKED = (
    "accuracy",
    "sensitivity",
    "recall",
    "specificity",
    "balanced_accuracy",
    "roc_auc",
)


@dataclass(frozen=True, kw_only=True)
class StudySize:
    """How many people published figures are about.

    Parameters
    ----------
    n_people : int
        Of one test set; of all folds together where `folds` is set.
    n_poor : int, optional
        Those of the poor class among them.
    folds : int
        Parts of the people whose metrics were averaged; 1 if people were pooled.
    repeats : int
        Test sets, or cross-validations, that a figure is the mean of.
    """

    n_people: int
    n_poor: int | None = None
    folds: int = 1
    repeats: int = 1


def rounding_span(figure: float | str) -> tuple[Fraction, Fraction]:
    """Limits of the numbers that round to a figure, both included.

    A text keeps its last zero: "0.90" has two decimals, 0.9 one.

    >>> rounding_span("0.90")
    (Fraction(179, 200), Fraction(181, 200))
    """
    number = Decimal(str(figure))
    exponent = number.as_tuple().exponent
    half = Fraction(Decimal(1).scaleb(min(int(exponent), 0))) / 2
    return Fraction(number) - half, Fraction(number) + half


def mean_of_shares(low: Fraction, high: Fraction, sizes: Mapping[int, int]) -> bool:
    """Whether a mean of shares k/n can lie between two limits, both included.

    Parameters
    ----------
    low, high : Fraction
    sizes : mapping of int to int
        How many groups there are of each size n; every k is a whole number from 0 to n.
    """
    total = sum(sizes.values())
    return _sum_within(low * total, high * total, sorted(sizes.items()))


def _sum_within(low: Fraction, high: Fraction, sizes: Sequence[tuple[int, int]]) -> bool:
    (n, times), *others = sizes
    if not others:
        return max(0, ceil(low * n)) <= min(floor(high * n), times * n)
    return any(
        _sum_within(low - Fraction(k, n), high - Fraction(k, n), others)
        for k in range(times * n + 1)
    )


def possible(metric: str, figure: float | str, tested: StudySize) -> bool | None:
    """Whether a figure can have come out; None if that cannot be told.

    Sensitivity, specificity and their mean need `n_poor`; an AUC too, which moves by half a pair
    of people. Of folds, whose classes are unknown, only the accuracy is judged: as a mean over
    folds, or of the people pooled.
    """
    low, high = rounding_span(figure)
    if metric not in CHECKED:
        return None
    if not high >= 0 or not low <= 1:
        return False
    n, poor, repeats = tested.n_people, tested.n_poor, tested.repeats
    if metric == "accuracy":
        small, larger = divmod(n, tested.folds)
        parts = {small: (tested.folds - larger) * repeats}
        if larger:
            parts[small + 1] = larger * repeats
        return mean_of_shares(low, high, {n: repeats}) or mean_of_shares(low, high, parts)
    if poor is None or tested.folds > 1:
        return None
    good = n - poor
    sizes = {
        "specificity": {good: repeats},
        "balanced_accuracy": {poor: repeats, good: repeats}
        if poor != good
        else {poor: 2 * repeats},
        "roc_auc": {2 * poor * good: repeats},
    }
    return mean_of_shares(low, high, sizes.get(metric, {poor: repeats}))


def check_published(figures: Mapping[str, float | str], tested: StudySize) -> Row:
    """Check that published figures are possible; a row of the audit."""
    name, check = "impossible-figures", "published figures are possible for so many people"
    verdicts = {metric: possible(metric, figure, tested) for metric, figure in figures.items()}
    wrong = [f"{metric} {figures[metric]}" for metric, fine in verdicts.items() if fine is False]
    open_ = [metric for metric, fine in verdicts.items() if fine is None]
    people = f"{tested.n_people} people"
    people += f" in {tested.folds} folds" if tested.folds > 1 else ""
    people += f", mean of {tested.repeats} test sets" if tested.repeats > 1 else ""
    rest = f" Not checked: {', '.join(open_)}." if open_ else ""
    if wrong:
        finding = (
            f"{', '.join(wrong)}: no whole number of right answers gives this ({people}). The "
            f"figure, or the number of people, is not what it is said to be.{rest}"
        )
        return name, check, "warning", finding, None
    fine = [metric for metric, verdict in verdicts.items() if verdict]
    said = f"{', '.join(fine)}: possible ({people})." if fine else f"Nothing to check ({people})."
    return name, check, "passed", said + rest, None
