"""Brain mask and warp around lesions that are planted in real heads.

usage: python benchmarks/lesion_warp.py [DATA]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA, or ../shared/data).
Real lesions of the standard space, from small to a third of a hemisphere, are brought to healthy
heads and made dark as fluid; the head is turned, moved and given noise, as in another session. The
judge is the warp of the same head without lesion and motion. Prints the mean distance from it in
mm, inside the lesion, within 12 mm around it, in both, and farther away, with the counterpart of
the other side and with the lesion masked alone; and the share of the lesion that the brain mask
cuts off, before and after it is added to it. 1 where the counterpart is worse than the mask alone.
"""

import os
import sys
import time
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
from coregistration import head_of
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.bids.files import load_image
from motor_bids_app.levels.hardware import limit_threads
from motor_bids_app.mri import registration
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.lesions import brain_with_lesion
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

HEADS = ("t1head_2mm/T1_head_2mm.nii.gz", "nichart_heads/Subj19_T1.nii.gz")
LESIONS = (148, 652, 1128, 484)
NEAR = 12.0  # mm
NOISE = 0.02  # of bright tissue
WAYS = ("counterpart", "masked")


def bent(values, matrix, order):
    """Values at the places that a matrix in voxels leads to."""
    return ndimage.affine_transform(
        np.asarray(values, dtype=np.float32), matrix[:3, :3], matrix[:3, 3], order=order
    )


def rescan(head, brain, lesion, rng):
    """The head with a lesion in another session; returns images and its matrix to the first."""
    turn = Rotation.from_euler("xyz", rng.uniform(-3, 3, 3), degrees=True).as_matrix()
    moved = from_matvec(turn, rng.uniform(-2, 2, 3))
    matrix = np.linalg.inv(head.affine) @ moved @ head.affine
    values = bent(head.dataobj, matrix, 3)
    inside = bent(brain.dataobj, matrix, 1) > 0.5
    struck = (bent(lesion.dataobj, matrix, 1) > 0.5) & inside
    fluid, bright = np.percentile(values[inside], (3, 95))
    values = np.where(struck, fluid, values)
    values = values + rng.normal(0, NOISE * bright, values.shape) * (values > 0)
    masks = (mask.astype(np.uint8) for mask in (inside, struck))
    return moved, [nib.Nifti1Image(a, head.affine) for a in (values.astype(np.float32), *masks)]


def register(image, brain, lesion, way):
    """Warp, and CPU seconds."""
    start = time.process_time()
    if way == "counterpart":
        found = registration.register_to_template(image, brain, lesion)
    else:
        with mock.patch.object(registration, "_with_counterpart", lambda match: match):
            found = registration.register_to_template(image, brain, lesion)
    return found.transform, time.process_time() - start


def judge(name, head, brain, true, path):
    """Print the rows of a lesion in a head; return the errors within 12 mm, by way."""
    given = load_image(path)
    placed = nib.Nifti1Image((np.asarray(given.dataobj) > 0).astype(np.float32), given.affine)
    own = resample(placed, Grid.of(head), invert(true, Grid.of(head)))
    moved, (image, inside, lesion) = rescan(head, brain, own, np.random.default_rng(0))
    template = np.asarray(load_template("brain", 2).dataobj) > 0
    points = apply_affine(standard_grid(2).affine, np.argwhere(template))
    wanted = true(points)
    voxels = apply_affine(np.linalg.inv(moved @ head.affine), wanted).T
    hit = ndimage.map_coordinates(np.asarray(lesion.dataobj), voxels, order=0) > 0
    struck = np.zeros(template.shape, dtype=bool)
    struck[template] = hit
    away = ndimage.distance_transform_edt(~struck, sampling=2)[template]
    near, size = {}, np.asarray(lesion.dataobj).sum() * Grid.of(head).voxel_volume / 1000
    for way in WAYS:
        found, seconds = register(image, inside, lesion, way)
        off = np.linalg.norm(apply_affine(moved, found(points)) - wanted, axis=1)
        near[way], far = off[away <= NEAR].mean(), off[away > NEAR].mean()
        print(
            f"{name:8} {size:4.0f} ml {way:12} inside {off[hit].mean():.2f}  around "
            f"{off[(away <= NEAR) & ~hit].mean():.2f}  both {near[way]:.2f}  farther {far:.2f}  "
            f"ratio {near[way] / far:.1f}  {seconds:.1f} CPU s",
            flush=True,
        )
    print(f"{name:8} {size:4.0f} ml {mask_rows(image, lesion, inside)}", flush=True)
    return near


def mask_rows(image, lesion, true):
    """What the brain mask cuts off, before and after, and its overlap with that of the head."""
    found, struck = extract_brain(image), np.asarray(lesion.dataobj) > 0
    whole, _ = brain_with_lesion(found, lesion)
    texts = []
    for mask in (found, whole):
        inside, right = np.asarray(mask.dataobj) > 0, np.asarray(true.dataobj) > 0
        dice = 2 * (inside & right).sum() / (inside.sum() + right.sum())
        texts.append(f"{100 * (struck & ~inside).sum() / struck.sum():.1f} % (Dice {dice:.3f})")
    return f"cut off the brain mask: {texts[0]} -> {texts[1]}"


def main() -> int:
    """Judge all; 1 where the counterpart is worse than masking alone."""
    limit_threads(1)
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", "../shared/data")
    data, found = Path(sys.argv[1] if len(sys.argv) > 1 else default), []
    for name in HEADS:
        head, brain = head_of(data / name)
        true = registration.register_to_template(head, brain).transform
        for number in LESIONS:
            path = data / f"soop_lesions/lesions/bwsrsub-{number}_lesion.nii.gz"
            found.append(judge(Path(name).name.split("_")[0], head, brain, true, path))
    means = {way: np.mean([near[way] for near in found]) for way in WAYS}
    print("mean within 12 mm: " + ", ".join(f"{way} {mean:.2f} mm" for way, mean in means.items()))
    return int(means["counterpart"] > means["masked"])


if __name__ == "__main__":
    sys.exit(main())
