"""The result of an experiment in plain English, and no stronger than its interval allows."""

import math
from dataclasses import dataclass

from motor_bids_app.reports.experiment import gate
from motor_bids_app.reports.experiment.gate import SURE, Evidence, Verdict

CONSTANT = "prevalence"  # the base rate, which is chance and no simpler model
METRIC_NAMES = {"roc_auc": "AUC", "r2": "R²"}  # for people
RANGES = {"roc_auc": (0.0, 1.0), "r2": (-math.inf, 1.0), "quadratic_kappa": (-1.0, 1.0)}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of an experiment in the numbers that its first sentences need.

    `metric` is "roc_auc", "r2" or "quadratic_kappa", of patients; `low` and `high` bound its 95 %
    interval.
    """

    model: str  # the model the answer is about: the final one
    metric: str
    n_people: int  # patients whom a model predicted that had not seen them
    n_patients: int | None = None  # all of them, tested or not
    n_least_class: int | None = None  # those tested who are of the rarer class
    value: float
    low: float
    high: float
    chance: float  # what guessing scores: 0.5 of an AUC, 0 of R2
    noise_floor: float  # how far guessing strays from that in so few people
    best_baseline: str | None = None  # strongest of the simpler models, if there is one
    difference: float | None = None  # model minus best_baseline, on the same splits
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None  # of that difference, over splits and over people
    p_holm: float | None = None  # the same, corrected for the number of models compared
    chance_p: float | None = None  # permutation test
    n_permutations: int | None = None
    stand_in: bool = False  # whether a ridge was permuted in the place of the model
    failed: tuple[str, ...] = ()  # checks of the audit that failed, and were allowed to
    nuisance_as_good: bool = False  # gaps, quality and site alone do as well
    n_scores: int = 1  # that the experiment predicts
    chance_p_scores: float | None = None  # chance_p, corrected for their number
    difference_p_scores: float | None = None  # p_holm, or p_value, corrected for their number

    @property
    def metric_name(self) -> str:
        """Name of the metric for people."""
        return METRIC_NAMES.get(self.metric, self.metric.replace("_", " "))

    @property
    def interval(self) -> str:
        """Value with its interval.

        >>> Answer(model="m", metric="roc_auc", n_people=30, value=0.8, low=0.7, high=0.9,
        ...        chance=0.5, noise_floor=0.2).interval
        '0.80 (0.70 to 0.90)'
        """
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"

    @property
    def band(self) -> tuple[float, float]:
        """What guessing scores in so few people, within the range of the metric."""
        least, most = RANGES[self.metric]
        return max(least, self.chance - self.noise_floor), min(most, self.chance + self.noise_floor)

    @property
    def people(self) -> str:
        """How many patients the answer is about, of how many."""
        if self.n_patients is None or self.n_patients == self.n_people:
            return f"{self.n_people}"
        return f"{self.n_people} of {self.n_patients}"

    @property
    def gain(self) -> int | None:
        """1 where the model beats the best simpler one, -1 where it is worse, 0 where unclear."""
        if self.difference is None:
            return None
        known = (self.difference_p_scores, self.p_holm, self.p_value)  # the most corrected first
        p = next((one for one in known if one is not None), None)
        if p is None or not p < SURE:
            return 0
        above = self.difference_low is not None and self.difference_low > 0
        below = self.difference_high is not None and self.difference_high < 0
        return 1 if above else -1 if below else 0

    @property
    def decision(self) -> Verdict:
        """What may be said: see `gate`."""
        gain = self.gain
        if self.best_baseline == CONSTANT:  # to beat it is to beat chance
            gain = gain if gain == 1 else None
        return gate.decide(
            Evidence(
                failed=bool(self.failed),
                n_people=self.n_people,
                n_least_class=self.n_least_class,
                value=self.value,
                low=self.low,
                chance=self.chance,
                band_high=self.band[1],
                most=RANGES[self.metric][1],
                p=self.chance_p if self.chance_p_scores is None else self.chance_p_scores,
                gain=gain,
                nuisance_as_good=self.nuisance_as_good,
            )
        )

    @property
    def state(self) -> str:
        """Colour of the verdict: "good", "warn", "plain" or "bad"."""
        return self.decision.state

    @property
    def verdict(self) -> str:
        """What may be said, in a few words."""
        return self.decision.words


def headline(answer: Answer, *, label: str, target: str, baseline: str = "") -> str:
    """Return the answer in one sentence: how good, how sure, in how many patients.

    `baseline` is the label of the best simpler model.
    """
    article = "an" if answer.metric_name[0] in "AR" else "a"
    reached = (
        f"{article} {answer.metric_name} of {answer.value:.2f} (95 % interval {answer.low:.2f} to "
        f"{answer.high:.2f}) in {answer.people} patients whom it had not seen"
    )
    decision = answer.decision
    start = f"{decision.words[0].upper()}{decision.words[1:]}"
    if decision is gate.VOID:
        start = f"Not valid: the audit failed ({', '.join(answer.failed)}) and was overruled"
    elif decision is gate.NUISANCE:
        start = "No better than missing values, image quality and site alone"
    elif decision is gate.SIMPLER and baseline:
        verb = "worse than" if answer.gain == -1 else "no better than"
        start = f"Better than chance, but {verb} “{baseline}”"
    if decision.state in ("plain", "bad"):
        return f"{start}. Predicting {target}, the model “{label}” reaches {reached}."
    return f"{start}: the model “{label}” predicts {target} with {reached}."


def meaning(answer: Answer) -> str:
    """Return what the number means for someone who does not use it daily."""
    if answer.metric == "roc_auc":
        return (
            f"Shown one patient of each class, the model ranks them correctly "
            f"{100 * answer.value:.0f} % of the time; guessing gives 50 %."
        )
    if answer.metric == "quadratic_kappa":
        return (
            "Quadratic kappa weights each error by the squared distance between classes: 0 is "
            "guessing with the right class frequencies, 1 is no error."
        )
    if answer.value <= 0:
        return "The model predicts no better than giving everyone the mean score."
    return (
        f"The model explains {100 * answer.value:.0f} % of the variance between patients; giving "
        "everyone the mean score explains none."
    )


def chance_test(answer: Answer) -> str:
    """Return what the permutation test says, or that there is none."""
    if answer.chance_p is None:
        return (
            "No permutation test: the model would have to be retrained for every permutation. "
            "Judge it by its interval and against the simpler models."
        )
    often = round(answer.chance_p * ((answer.n_permutations or 0) + 1)) - 1
    runs = {0: "no cross-validation", 1: "1 cross-validation"}.get(
        often, f"{often} cross-validations"
    )
    whose = (
        " of a ridge regression on the same inputs, which is fast to refit and stands in for the "
        "model,"
        if answer.stand_in
        else ""
    )
    over = ""
    if answer.chance_p_scores is not None:
        over = f"; corrected for the {answer.n_scores} scores {format_p(answer.chance_p_scores)}"
    return (
        f"Permutation test: with the outcomes of patients shuffled {answer.n_permutations} times, "
        f"{runs}{whose} did as well (p {format_p(answer.chance_p)}{over})."
    )


def noise_floor(answer: Answer) -> str:
    """Return what guessing would score, given how few patients there are."""
    n_people = answer.n_people
    if answer.metric != "roc_auc":  # what guessing has on average is not 0 in cross-validation
        return (
            f"With {n_people} patients, {answer.metric_name} varies by up to about "
            f"{answer.noise_floor:.2f} by chance; do not trust smaller differences."
        )
    low, high = answer.band
    text = (
        f"What guessing would score: with {n_people} patients, a useless model has an "
        f"{answer.metric_name} from {low:.2f} to {high:.2f} in 95 % of studies"
    )
    if high >= RANGES[answer.metric][1]:
        return f"{text}, so no result could be distinguished from chance."
    return f"{text}; differences smaller than {answer.noise_floor:.2f} should not be trusted."


def comparison(answer: Answer, *, baseline: str) -> str:
    """Return whether the model beats the best simpler one, by interval and tests.

    The p is that corrected for the number of models compared, where it is known.
    """
    if answer.difference is None:
        return ""
    if answer.best_baseline == CONSTANT:
        return "No simpler model does better than the base rate, which is chance level."
    low, high = answer.difference_low, answer.difference_high
    verb = {1: "beats", -1: "is worse than"}.get(answer.gain or 0, "does not clearly differ from")
    numbers = f"{answer.metric_name} difference {answer.difference:+.2f}"
    if low is not None and high is not None:
        numbers += f", 95 % interval {low:+.2f} to {high:+.2f}"
    if answer.p_value is not None:
        numbers += f", p over splits and people {format_p(answer.p_value)}"
    if answer.p_holm is not None:
        numbers += f", corrected for the number of models {format_p(answer.p_holm)}"
    if answer.difference_p_scores is not None:
        numbers += f", for the {answer.n_scores} scores too {format_p(answer.difference_p_scores)}"
    return f"It {verb} the best simpler model, “{baseline}” ({numbers})."


def format_p(p_value: float) -> str:
    """Write a p-value.

    >>> format_p(0.0004), format_p(0.2)
    ('< 0.001', '= 0.20')
    """
    if p_value < 0.001:
        return "< 0.001"
    return f"= {p_value:.3f}" if p_value < 0.1 else f"= {p_value:.2f}"
