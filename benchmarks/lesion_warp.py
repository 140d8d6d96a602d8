"""Brain mask and warp around lesions that are planted in labelled heads.

usage: python benchmarks/lesion_warp.py [DATA]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA, or ../shared/data).
Real lesions of 5 to 200 ml of the standard space are brought to heads with the labels of DLMUSE
(`nichart_heads`) and made dark as fluid, with a soft border. The labels, which know nothing of the
lesion, tell where the brain is that the lesion hides. Error: distance in mm of a region's surface,
as a warp brings it to the standard space, from the same surface in the majority of other heads;
within 12 mm of the lesion and inside it ("near"), there without the lesion, and farther away. The
error without a lesion is not 0: it is what people differ by. "moved": mean distance in mm between
the warps with and without the lesion, inside it.
Ways: the lesion masked; the counterpart of the other side in its place at the coarse scales; filled
with its surroundings, which then count. Prints also the share of the lesion that the brain mask
cuts off, before and after it is added to it. 1 if the way that the app chooses has near more than
1.5 times the error that is farther away, or is worse than another way by more than 3 %.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray
from overlap import LabelledHead, brain_points
from scipy import ndimage

from motor_bids_app.bids.files import load_image
from motor_bids_app.levels.hardware import limit_threads
from motor_bids_app.mri import registration
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.lesions import brain_with_lesion, volume_ml
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

HEADS = ("Subj3", "Subj5", "Subj7", "Subj11", "Subj19")
JUDGED = ("Subj3", "Subj19")
LESIONS = (1224, 1296, 284, 652)  # 5, 31, 103 and 217 ml as drawn, on the left
WAYS = ("masked", "counterpart", "filled")
NEAR = 12.0  # mm
NOISE = 0.02  # of bright tissue
MOST, WORSE = 1.5, 1.03

Labels = NDArray[np.int64]


def planted(head: LabelledHead, path: Path, warp: Transform) -> tuple[nib.Nifti1Image, ...]:
    """Image with a lesion of the standard space, and the mask of the lesion in the brain."""
    given, grid = load_image(path), Grid.of(head.image)
    struck = nib.Nifti1Image((np.asarray(given.dataobj) > 0).astype(np.float32), given.affine)
    share = np.asarray(resample(struck, grid, invert(warp, grid)).dataobj)
    inside, values = np.asarray(head.brain.dataobj) > 0, np.asarray(head.image.dataobj)
    fluid, bright = np.percentile(values[inside], (3, 95))
    lesion = (share > 0.5) & inside
    share = ndimage.gaussian_filter(lesion.astype(np.float32), 0.5)
    noise = np.random.default_rng(0).normal(0, NOISE * bright, values.shape)
    values = ((1 - share) * values + share * (fluid + noise)).astype(np.float32)
    images = values, lesion.astype(np.uint8)
    return tuple(nib.Nifti1Image(one, grid.affine) for one in images)


@contextmanager
def way_of(way: str) -> Iterator[None]:
    """Let the registration treat every lesion in one way."""
    brain = registration._brain

    def counted(*arguments: object) -> registration.Picture:
        picture = brain(*arguments)
        return replace(picture, weight=torch.ones_like(picture.weight))

    limit = 0.0 if way == "counterpart" else np.inf
    with (
        mock.patch.object(registration, "_LARGE_LESION", limit),
        mock.patch.object(registration, "_brain", counted if way == "filled" else brain),
    ):
        yield


def on_grid(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Values of the template's brain as a volume."""
    inside = np.asarray(load_template("brain", 2).dataobj) > 0
    volume = np.zeros(inside.shape, dtype=values.dtype)
    volume[inside] = values
    return volume


def majority(labels: list[Labels]) -> Labels:
    """Label that most heads have at each point."""
    stack = np.array(labels)
    votes = np.array([(stack == one).sum(axis=0) for one in stack])
    return stack[votes.argmax(axis=0), np.arange(stack.shape[1])]


def surface(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Outermost voxels of a region."""
    return mask & ~ndimage.binary_erosion(mask)


def surface_distances(found: Labels, true: Labels) -> NDArray[np.float64]:
    """Distance of surface voxels of each region from its true surface, mm; NaN elsewhere."""
    found, true = on_grid(found), on_grid(true)
    result = np.full(found.shape, np.nan)
    for label in np.intersect1d(found[found > 1], true):  # 1 is the outermost fluid
        places = np.argwhere((found == label) | (true == label))
        box = tuple(slice(a, b + 1) for a, b in zip(places.min(0), places.max(0), strict=True))
        own, right = surface(found[box] == label), surface(true[box] == label)
        result[box][own] = ndimage.distance_transform_edt(~right, sampling=2)[own]
    return result


def judge(
    head: LabelledHead, warp: Transform, path: Path, others: Labels
) -> tuple[float, dict[str, tuple[float, float]]]:
    """Print the rows of a lesion in a head; return its volume, and near and far error by way."""
    image, lesion = planted(head, path, warp)
    points, size = brain_points(), volume_ml(lesion)
    voxels = nib.affines.apply_affine(np.linalg.inv(lesion.affine), warp(points)).T
    hit = ndimage.map_coordinates(np.asarray(lesion.dataobj), voxels, order=0) > 0
    near = ndimage.distance_transform_edt(~on_grid(hit), sampling=2) <= NEAR
    before = surface_distances(head.labels_at(warp(points)), others)
    found = {}
    for way in WAYS:
        with way_of(way):
            struck = registration.register_to_template(image, head.brain, lesion).transform
        off = surface_distances(head.labels_at(struck(points)), others)
        moved = np.linalg.norm(struck(points) - warp(points), axis=1)
        found[way] = float(np.nanmean(off[near])), float(np.nanmean(off[~near]))
        print(
            f"| {size:.0f} ml | {way} | {found[way][0]:.2f} | {np.nanmean(before[near]):.2f} | "
            f"{found[way][1]:.2f} | {found[way][0] / np.nanmean(before[near]):.2f} | "
            f"{found[way][0] / found[way][1]:.2f} | {moved[hit].mean():.1f} |",
            flush=True,
        )
    print(f"| {size:.0f} ml | {mask_rows(image, lesion, head.brain)} |", flush=True)
    return size, found


def mask_rows(image: nib.Nifti1Image, lesion: nib.Nifti1Image, true: nib.Nifti1Image) -> str:
    """What the brain mask cuts off, before and after, and its overlap with that of the head."""
    found, struck = extract_brain(image), np.asarray(lesion.dataobj) > 0
    whole, _ = brain_with_lesion(found, lesion)
    texts = []
    for mask in (found, whole):
        inside, right = np.asarray(mask.dataobj) > 0, np.asarray(true.dataobj) > 0
        dice = 2 * (inside & right).sum() / (inside.sum() + right.sum())
        texts.append(f"{100 * (struck & ~inside).sum() / struck.sum():.1f} % (Dice {dice:.3f})")
    return f"cut off the brain mask: {texts[0]} -> {texts[1]}"


def verdict(found: list[tuple[float, dict[str, tuple[float, float]]]]) -> int:
    """Print the means of the ways, and of what the app chooses; 1 if that misses its bar."""
    errors = defaultdict(list)
    for size, ways in found:
        chosen = "masked" if size < registration._LARGE_LESION else "counterpart"
        for way, pair in {**ways, "chosen": ways[chosen]}.items():
            errors[way].append(pair)
    means = {way: np.mean(pairs, axis=0) for way, pairs in errors.items()}
    for way, (near, far) in means.items():
        print(f"{way}: near {near:.2f} mm, farther {far:.2f} mm, ratio {near / far:.2f}")
    near, far = means["chosen"]
    return int(near > MOST * far or near > WORSE * min(means[way][0] for way in WAYS))


def main(data: Path) -> int:
    """Judge all; 1 where the app's way misses its bar."""
    limit_threads(1)
    heads = {name: LabelledHead.of(data, name) for name in HEADS}
    warps = {
        name: registration.register_to_template(head.image, head.brain).transform
        for name, head in heads.items()
    }
    labels = {name: heads[name].labels_at(warps[name](brain_points())) for name in HEADS}
    found = []
    for name in JUDGED:
        others = majority([labels[other] for other in HEADS if other != name])
        print(f"\n| {name} | way | near | there without | farther | ratio | near/farther | moved |")
        print("| --- " * 8 + "|")
        for number in LESIONS:
            path = data / f"soop_lesions/lesions/bwsrsub-{number}_lesion.nii.gz"
            found.append(judge(heads[name], warps[name], path, others))
    return verdict(found)


if __name__ == "__main__":
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", "../shared/data")
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else default)))
