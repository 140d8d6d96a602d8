"""What earlier runs left: deleted where its inputs changed, made again where it is damaged."""

import logging
from collections.abc import Sequence, Set

from motor_bids_app.levels.participant.outputs import STEPS, Outputs
from motor_bids_app.levels.participant.steps import Step

log = logging.getLogger(__name__)


def with_damaged_anatomy(steps: list[str], possible: Sequence[str], outputs: Outputs) -> list[str]:
    """Add the anatomy that is not asked for if the others would build on a damaged one."""
    anatomy = Step("anat", outputs.prefix, outputs.root)
    if "anat" in steps or not anatomy.record.is_file() or anatomy.is_intact:
        return steps
    if anatomy.was_killed or "anat" not in possible:
        forget({"anat"}, outputs)
        return steps
    log.warning("%s: the anatomy is damaged, and made again", outputs.prefix)
    return ["anat", *steps]


def forget(names: Set[str], outputs: Outputs) -> None:
    """Delete what earlier runs made of inputs, or of an anatomy, that are no longer there."""
    for name in names:
        Step(name, outputs.prefix, outputs.root).discard()


def forget_outdated(names: Set[str], outputs: Outputs) -> list[str]:
    """Delete what steps that are not asked for made with an earlier anatomy; return their names."""
    anatomy = Step("anat", outputs.prefix, outputs.root)
    steps = [Step(name, outputs.prefix, outputs.root) for name in STEPS if name in names]
    outdated = [step for step in steps if step.is_outdated(anatomy)]
    for step in outdated:
        step.discard()
    return [step.name for step in outdated]
