"""The result of an experiment in plain English, and no stronger than its interval allows."""

from dataclasses import dataclass

SURE = 0.05  # p of the comparison, and of the permutation test


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of an experiment in the numbers that its first sentences need.

    `metric` is "roc_auc", "r2" or "quadratic_kappa", of patients; `low` and `high` bound its 95 %
    interval.
    """

    model: str  # the model the answer is about: the final one, named before the evaluation
    metric: str
    n_people: int  # patients whom a model predicted that had not seen them
    value: float
    low: float
    high: float
    chance: float  # what guessing scores: 0.5 of an AUC, 0 of R2
    noise_floor: float  # half-width that this number of people allows, in units of the metric
    best_baseline: str | None = None  # strongest of the simpler models, if there is one
    difference: float | None = None  # model minus best_baseline, on the same splits
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None  # of that difference, over splits and over people
    p_holm: float | None = None  # the same, corrected for the number of models compared
    chance_p: float | None = None  # permutation test
    n_permutations: int | None = None
    stand_in: bool = False  # whether a ridge was permuted in the place of the model

    @property
    def metric_name(self) -> str:
        """Name of the metric for people."""
        return {"roc_auc": "AUC", "r2": "R²"}.get(self.metric, self.metric.replace("_", " "))

    @property
    def interval(self) -> str:
        """Value with its interval.

        >>> Answer(model="m", metric="roc_auc", n_people=30, value=0.8, low=0.7, high=0.9,
        ...        chance=0.5, noise_floor=0.2).interval
        '0.80 (0.70 to 0.90)'
        """
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"

    @property
    def state(self) -> str:
        """Whether the result can be told from chance: "good" yes, "warn" perhaps, "plain" no.

        Two things must hold: the interval lies above chance, and few permutations of the labels
        do as well. Without a permutation test, the value must lie outside what guessing gives in
        so few people.
        """
        above = self.low > self.chance
        if self.chance_p is None:
            beyond = self.value - self.chance > self.noise_floor
        else:
            beyond = self.chance_p < SURE
        return "good" if above and beyond else "warn" if above or beyond else "plain"

    @property
    def verdict(self) -> str:
        """`state` in a few words."""
        return {
            "good": "better than chance",
            "warn": "perhaps better than chance",
            "plain": "not told from chance",
        }[self.state]


def headline(answer: Answer, *, label: str, target: str) -> str:
    """Return the answer in one sentence: how good, how sure, in how many patients."""
    article = "an" if answer.metric_name[0] in "AR" else "a"
    reached = (
        f"{article} {answer.metric_name} of {answer.value:.2f} (95 % interval {answer.low:.2f} to "
        f"{answer.high:.2f}) in {answer.n_people} patients whom it had not seen"
    )
    if answer.state == "plain":
        return (
            f"This cannot be told from chance: predicting {target}, the model “{label}” reaches "
            f"{reached}."
        )
    start = "Yes, better than chance" if answer.state == "good" else "Perhaps better than chance"
    return f"{start}: the model “{label}” predicts {target} with {reached}."


def meaning(answer: Answer) -> str:
    """Return what the number means for someone who does not use it daily."""
    if answer.metric == "roc_auc":
        return (
            f"Shown one patient of each class, the model ranks them rightly "
            f"{100 * answer.value:.0f} % of the time; guessing is right 50 % of the time."
        )
    if answer.metric == "quadratic_kappa":
        return (
            "Kappa counts errors by the square of how many classes they are off: 0 is guessing "
            "with the right share of each class, 1 is no error."
        )
    if answer.value <= 0:
        return "The model predicts no better than giving everyone the mean score."
    return (
        f"The model explains {100 * answer.value:.0f} % of the differences between patients; "
        "giving everyone the mean score explains none."
    )


def chance_test(answer: Answer) -> str:
    """Return what the permutation test says, or that there is none."""
    if answer.chance_p is None:
        return (
            "There is no permutation test of this model, which would have to be trained anew for "
            "every permutation: judge it by its interval, and by the simpler models."
        )
    often = round(answer.chance_p * ((answer.n_permutations or 0) + 1)) - 1
    whose = (
        " of a ridge regression on the same inputs, which is quick to fit anew and stands in for "
        "the model,"
        if answer.stand_in
        else ""
    )
    return (
        f"Permutation test: with the labels dealt out anew among patients, {often} of "
        f"{answer.n_permutations} cross-validations{whose} did as well "
        f"(p {format_p(answer.chance_p)})."
    )


def noise_floor(answer: Answer) -> str:
    """Return how much of the number could be luck, given how few patients there are."""
    n_people = answer.n_people
    if answer.metric != "roc_auc":  # no distribution of guesses is known
        return (
            f"With {n_people} patients, the interval reaches about {answer.noise_floor:.2f} to "
            "either side; smaller differences are not to be trusted."
        )
    low, high = answer.chance - answer.noise_floor, answer.chance + answer.noise_floor
    return (
        f"Noise floor: with {n_people} patients, guessing alone gives {answer.metric_name} values "
        f"from {low:.2f} to {high:.2f} in 95 of 100 studies, and differences smaller than "
        f"{answer.noise_floor:.2f} are not to be trusted."
    )


def comparison(answer: Answer, *, baseline: str) -> str:
    """Return whether the model beats the best simpler one, by interval and tests.

    The p is that corrected for the number of models compared, where it is known.
    """
    if answer.difference is None:
        return ""
    low, high = answer.difference_low, answer.difference_high
    p = answer.p_value if answer.p_holm is None else answer.p_holm
    sure = p is not None and p < SURE
    if low is not None and low > 0 and sure:
        verb = "beats"
    elif high is not None and high < 0 and sure:
        verb = "is worse than"
    else:
        verb = "does not clearly differ from"
    numbers = f"{answer.metric_name} difference {answer.difference:+.2f}"
    if low is not None and high is not None:
        numbers += f", 95 % interval {low:+.2f} to {high:+.2f}"
    if answer.p_value is not None:
        numbers += f", p over splits and people {format_p(answer.p_value)}"
    if answer.p_holm is not None:
        numbers += f", corrected for the number of models {format_p(answer.p_holm)}"
    return f"It {verb} the best simpler model, “{baseline}” ({numbers})."


def format_p(p_value: float) -> str:
    """Write a p-value.

    >>> format_p(0.0004), format_p(0.2)
    ('< 0.001', '= 0.20')
    """
    if p_value < 0.001:
        return "< 0.001"
    return f"= {p_value:.3f}" if p_value < 0.1 else f"= {p_value:.2f}"
