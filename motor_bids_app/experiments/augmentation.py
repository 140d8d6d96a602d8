"""What an experiment can say on how training pictures are changed."""

from dataclasses import dataclass

from motor_bids_app.experiments.rules import Rule, Section, number, setting


@dataclass(frozen=True, kw_only=True)
class Augmentation(Section):
    """How training slices are changed at random."""

    rotation: float = setting(15.0, number(0, 180))  # degrees either way, at most
    brightness: float = setting(0.2, number(0, 0.9))  # share up or down, at most
    flip: bool = setting(
        False, Rule(lambda value: type(value) is bool, "true or false")
    )  # left and right: it hides the side of the lesion
