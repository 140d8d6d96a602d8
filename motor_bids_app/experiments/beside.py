"""What an experiment shows beside its models: comparisons, what a paper did, explanations."""

import re
from dataclasses import dataclass, fields

from motor_bids_app.errors import UsageError
from motor_bids_app.evaluation.flawed import FLAWS
from motor_bids_app.evaluation.granularity import StudySize
from motor_bids_app.experiments.rules import Rule, Section, list_of, setting, some_of, whole
from motor_bids_app.models.networks.layers import CLASSIFIERS

MASKS = ("brain", "cst", "motor", "cst+motor")
EXPLANATIONS = ("weights", "pattern", "gradcam", "integrated_gradients", "occlusion")

SWITCH = Rule(lambda value: type(value) is bool, "true or false")
_FIGURE = Rule(  # a text keeps its last zero, which tells how precise it is
    lambda value: re.fullmatch(r"[01]|[01]?\.\d+", str(value)) is not None,
    'a number from 0 to 1 as printed, such as 0.917 or "0.90"',
)


@dataclass(frozen=True, kw_only=True)
class Comparisons(Section):
    """What is evaluated beside the models, on the same splits."""

    layers: tuple[str, ...] = setting((), some_of(*CLASSIFIERS))  # on layers of the network
    single_maps: bool = setting(False, SWITCH)  # the network on each map alone
    masks: tuple[str, ...] = setting((), some_of(*MASKS))  # the network in other masks


@dataclass(frozen=True, kw_only=True)
class AsPublished(Section):
    """What a paper did and reports; its protocols are run beside the right one."""

    protocols: tuple[str, ...] = setting((), some_of(*FLAWS))
    n_people: int | None = setting(None, whole(2, 1_000_000))  # of a test set, or of all folds
    n_poor: int | None = setting(None, whole(1, 1_000_000))  # among them
    folds: int = setting(1, whole(1, 1000))  # averaged over; 1: people were pooled
    repeats: int = setting(1, whole(1, 100_000))  # test sets, or cross-validations, averaged
    accuracy: float | str | None = setting(None, _FIGURE)
    balanced_accuracy: float | str | None = setting(None, _FIGURE)
    roc_auc: float | str | None = setting(None, _FIGURE)
    sensitivity: float | str | None = setting(None, _FIGURE)
    specificity: float | str | None = setting(None, _FIGURE)
    precision: float | str | None = setting(None, _FIGURE)
    f1: float | str | None = setting(None, _FIGURE)
    r2: float | str | None = setting(None, _FIGURE)

    def __post_init__(self) -> None:
        if self.n_people is None:
            return
        for key, most in (("n_poor", self.n_people - 1), ("folds", self.n_people)):
            if (getattr(self, key) or 1) > most:
                raise UsageError(
                    f"[as_published] {key} = {getattr(self, key)}: there are n_people = "
                    f"{self.n_people}, so use at most {most}."
                )

    @property
    def figures(self) -> dict[str, float | str]:
        """Published figures by metric, as printed."""
        named = [f.name for f in fields(self) if f.metadata["rule"] is _FIGURE]
        return {name: getattr(self, name) for name in named if getattr(self, name) is not None}

    @property
    def tested(self) -> StudySize | None:
        """How many people the figures are about, if it is said."""
        n, poor, folds, repeats = self.n_people, self.n_poor, self.folds, self.repeats
        return StudySize(n_people=n, n_poor=poor, folds=folds, repeats=repeats) if n else None


@dataclass(frozen=True, kw_only=True)
class Explanation(Section):
    """How it is shown what the final model looks at, where it looks at maps."""

    methods: str | tuple[str, ...] = setting("auto", list_of(*EXPLANATIONS, or_else="auto"))
    people_per_test: int = setting(50, whole(1, 1_000_000))  # explained of each test set, at most
