"""A score made of several, as karakis2023 made one of three motor tests."""

from dataclasses import dataclass, fields

from motor_bids_app.errors import UsageError
from motor_bids_app.experiments.rules import Rule, Section, setting

COMPONENT = "component"  # its name among the scores

_SCORES = Rule(
    lambda value: (
        isinstance(value, tuple)
        and all(isinstance(name, str) for name in value)
        and len(set(value)) == len(value)
    ),
    'a list of scores without repeats, such as ["bbt", "nhpt", "grip"]',
)
_NUMBERS = Rule(
    lambda value: (
        isinstance(value, tuple)
        and all(type(one) in (int, float) and abs(one) < 1e6 for one in value)
    ),
    "a list of numbers",
)


@dataclass(frozen=True, kw_only=True)
class Component(Section):
    """Sum of standardised scores with fixed weights, such as those of a first principal component.

    The numbers come with the experiment and are not learned from its people: were they learned in
    each training fold, a person would have another score in each, and what is measured in one
    fold could not be compared with another. Whoever lacks one of the scores has no component.

    Attributes
    ----------
    columns : tuple of str
        Two scores or more, by the names they have here.
    means, sds, weights : tuple of float
        Of each, in its unit. Weights are such that a higher component is better: below 0 for
        scores that are better when lower.
    """

    columns: tuple[str, ...] = setting((), _SCORES)
    means: tuple[float, ...] = setting((), _NUMBERS)
    sds: tuple[float, ...] = setting((), _NUMBERS)
    weights: tuple[float, ...] = setting((), _NUMBERS)

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, one.name)) for one in fields(self)}
        if len(lengths) > 1 or lengths == {1}:
            raise UsageError(
                "[component] needs columns of two scores or more, and as many means, sds and "
                "weights."
            )
        if any(sd <= 0 for sd in self.sds) or any(weight == 0 for weight in self.weights):
            raise UsageError("[component] sds must be above 0, and weights other than 0.")


def check_component(component: Component, target: str, baseline: str) -> None:
    """Raise UsageError unless target and component go together, and the baseline is none of it."""
    if (target == COMPONENT) != bool(component.columns):
        raise UsageError(
            f'[target] score = "{COMPONENT}" and a table [component], which says what it is made '
            "of, go together: give both or neither."
        )
    if component.columns and baseline in ("earlier_session", *component.columns):
        raise UsageError(
            f'[inputs] baseline_score = "{baseline}" is not there for a component: use a score '
            "that it is not made of."
        )
