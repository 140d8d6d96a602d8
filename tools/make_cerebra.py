"""Make motor_bids_app/spaces/data/cerebra from the published files of CerebrA.

python tools/make_cerebra.py CerebrA.nii.gz CerebrA.txt
"""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.affines import apply_affine
from scipy import ndimage

from motor_bids_app.spaces.atlases import symmetric_atlas
from motor_bids_app.spaces.grids import RESOLUTION

TARGET = Path(__file__).parents[1] / "motor_bids_app" / "spaces" / "data" / "cerebra"
# Structures of the middle, which CerebrA halves and gives the middle plane to one side.
UNPAIRED = (
    "Brainstem", "Third_Ventricle", "Fourth_Ventricle", "Optic_Chiasm",
    "Vermal_lobules_I-V", "Vermal_lobules_VI-VII", "Vermal_lobules_VIII-X",
)  # fmt: skip


def main(image: Path, names: Path) -> None:
    """Number the regions anew, unite those of the middle, and bring them to 2 mm."""
    labels = nib.as_closest_canonical(nib.load(image))
    given = np.rint(np.asarray(labels.dataobj)).astype(np.int16)
    lines = [line.split() for line in names.read_text().splitlines() if line.strip()]
    known = {name: int(number) for number, name in lines}
    made, index = np.zeros_like(given), {}
    for region in sorted({name.partition("_")[2] for name in known}):
        paired = {"_L": ["Left"], "_R": ["Right"]}
        for suffix, sides in ({"": ["Left", "Right"]} if region in UNPAIRED else paired).items():
            index[len(index) + 1] = f"{region}{suffix}"
            made[np.isin(given, [known[f"{side}_{region}"] for side in sides])] = len(index)
    atlas = symmetric_atlas(nib.Nifti1Image(made, labels.affine), index, RESOLUTION)
    coarse = np.asarray(atlas.labels.dataobj).astype(np.uint8)
    box = ndimage.find_objects((coarse > 0).astype(np.uint8))[0]
    affine = atlas.labels.affine.copy()
    affine[:3, 3] = apply_affine(affine, [part.start for part in box])
    nib.save(nib.Nifti1Image(coarse[box], affine), TARGET / "regions.nii.gz")
    table = pd.DataFrame({"index": index.keys(), "name": index.values()})
    table.to_csv(TARGET / "regions.tsv", sep="\t", index=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
