"""Where a series is that another tool has brought to the space of a head."""

from motor_bids_app.levels.participant.functional.finished import ToolSpace
from motor_bids_app.levels.participant.functional.inputs import BoldInputs
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.registration import register_rigid, register_to_template
from motor_bids_app.spaces.mni import to_mni_space
from motor_bids_app.spaces.transforms import Transform


def find_transform(space: ToolSpace, inputs: BoldInputs, *, sloppy: bool) -> Transform:
    """Return the transform from our standard space to the space of a finished series."""
    if space.mni:
        return to_mni_space(space.mni)
    if space.head is None:
        return inputs.to_head
    head = reorient(space.head)
    if space.is_of_head:
        return inputs.to_head.then(register_rigid(inputs.head, head, inputs.brain))
    # Another standard space: the tool's head lies in it, and is registered to ours.
    brain = reorient(space.brain) if space.brain else extract_brain(head)
    return register_to_template(head, brain, sloppy=sloppy).transform
