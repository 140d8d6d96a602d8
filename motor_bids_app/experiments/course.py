"""Which sessions of a course an experiment can link."""

from motor_bids_app.errors import UsageError
from motor_bids_app.experiments.sections import Inputs, Target


def check_course(target: Target, inputs: Inputs) -> None:
    """Raise UsageError unless target and inputs go together in time."""
    if target.session is not None and inputs.session is None:
        raise UsageError(
            f'[target] session = "{target.session}" needs [inputs] session too: the earlier '
            "session, whose images and scores models see."
        )
    if target.session is not None and _label(target.session) == _label(inputs.session):
        raise UsageError(
            f'[target] session = "{target.session}" is that of [inputs]: leave it out to predict '
            "a score of the session of the images."
        )
    if target.within and target.session is None:
        raise UsageError(
            "[target] within is of the days of a later score: name its session as [target] session "
            "too."
        )
    if target.outcome != "score" and inputs.baseline_score == "none":
        raise UsageError(
            f'[target] outcome = "{target.outcome}" needs [inputs] baseline_score: '
            '"earlier_session", or a score on the same scale that was measured before.'
        )


def _label(session: str | None) -> str:
    return (session or "").removeprefix("ses-")
