"""What a model says about one scan."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.evaluation.domain import Finding
from motor_bids_app.models.opened.contributions import Sum

Answered = Literal["given", "widened", "refused"]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says about one scan.

    Parameters
    ----------
    participant, session : str, str or None
        'sub-01', 'ses-1'.
    value : float or None
        Probability of the poor class, or predicted score; None if refused.
    notes : tuple of str
        What to bear in mind, one sentence each.
    classes : tuple of str or None
        Classes in the conformal set, which may be none or both.
    interval : tuple of float or None
        Conformal interval of the score.
    answer : str
        "given"; or, for someone outside the domain of the model, "widened" or "refused".
    outside : tuple of Finding
        Where the person is outside, the farthest first.
    in_training : bool or None
        Whether the model was trained on an image of this scan; None if it cannot be told.
    control : bool
        Whether the person is a healthy control.
    parts : Sum or None
        What each input adds, of a model that is a sum.
    """

    participant: str
    session: str | None
    value: float | None
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    interval: tuple[float, float] | None = None
    answer: Answered = "given"
    outside: tuple[Finding, ...] = ()
    in_training: bool | None = None
    control: bool = False
    parts: Sum | None = None

    @property
    def called(self) -> str | None:
        """Class at a probability of 0.5."""
        return None if self.value is None else "poor" if self.value >= 0.5 else "good"

    def nearest(self, ordered: Sequence[str]) -> str | None:
        """Name of the ordered class nearest to the expected number.

        Raises
        ------
        IncompatibleModelError
            There is none of that number.
        """
        if self.value is None:
            return None
        number = math.floor(self.value + 0.5)
        if not 0 <= number < len(ordered):
            raise IncompatibleModelError(
                f"The model predicts class {number}, and its bundle names {len(ordered)} classes "
                f"from 0 on ({', '.join(ordered)}): it was changed. Get it again."
            )
        return ordered[number]
