"""Where points of the standard space lie in the other MNI152 spaces."""

from functools import lru_cache

import nibabel as nib

from motor_bids_app.errors import UsageError
from motor_bids_app.settings import MNI_SPACES
from motor_bids_app.spaces.templates import package_file
from motor_bids_app.spaces.transforms import Transform, transform_of_field

_FOLDER = ("motor_bids_app", "spaces", "data", "mni152")


@lru_cache(maxsize=4)
def to_mni_space(space: str) -> Transform:
    """Return the transform from points of the standard space to those of another MNI152 space.

    Parameters
    ----------
    space : str
        One of `settings.MNI_SPACES`.

    Raises
    ------
    UsageError
        There is no warp to that space.

    Notes
    -----
    The asymmetric templates were registered to ours (``tools/make_mni_warps.py``). The symmetric
    templates of 2009 are ours in another box or at another voxel size: labels drawn on that of
    2009c fit ours best where they are, to a tenth of a millimetre.
    """
    if space not in MNI_SPACES:
        raise UsageError(f"There is no warp from {space}: there are {', '.join(MNI_SPACES)}.")
    if space.endswith("Sym"):
        return Transform()
    return transform_of_field(nib.load(package_file(*_FOLDER, f"{space}.nii.gz")))
