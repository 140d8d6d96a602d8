"""Tissue and brain masks of labelled heads, beside plain 3-means and Atropos in the same mask.

usage: python benchmarks/heads.py [DATA] [--only NAME ...]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA, or ../shared/data), which has
T1w heads of people aged 69 to 96 with the labels of DLMUSE, a network, made at full resolution
(`nichart_subj1`, `nichart_heads`), and clinical heads in three contrasts (`ms_heads_t1_t2_flair`).
Grey and white matter are the labels that DLMUSE counts as such: the brain stem is neither, the
nuclei are grey, the ventral diencephalon is white. A voxel is what it holds most of. The reference
of the brain mask is the intracranial space: all labels, fluid on the cortex and in the ventricles
included. T2w and FLAIR are judged by the T1w of the same person: by its tissue, laid on them by the
transforms of the authors, or by its labels, laid on them by the headers. Where the app writes no
tissue of them, there is nothing to judge, and nothing falls short.
Atropos is left out where antspyx is not installed in .venv-peers (`make bench-preproc`).
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from motor_bids_app.levels.participant.anatomy.preprocess import coarse_grid, segment_head
from motor_bids_app.mri.anatomy import correct_bias, denoise, reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

TISSUES = ("CSF", "GM", "WM")
NUCLEI = (36, 37, 55, 56, 57, 58, 59, 60)  # caudate, pallidum, putamen, thalamus
LEAST_WHITE, LEAST_OTHER, LEAST_MASK = 0.80, 0.70, 0.96  # Dice
WITHIN = 0.2  # of the volume of the labels
ANTS_PYTHON = Path(__file__).parents[1] / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True, eq=False)
class Head:
    """A head as the app sees it: without noise and bias, its brain, and its tissue."""

    image: nib.Nifti1Image
    brain: nib.Nifti1Image
    to_native: Transform
    tissue: dict[str, nib.Nifti1Image]

    @classmethod
    def of(cls, path: Path, contrast: str = "T1w") -> "Head":
        """Take the first steps of the app; no tissue where it writes none."""
        image = correct_bias(denoise(reorient(nib.load(path))))
        brain = extract_brain(image)
        to_native = invert(register_to_template(image, brain).transform, coarse_grid(image))
        tissue, _ = segment_head(contrast, image, brain, to_native, None)
        return cls(image, brain, to_native, tissue)

    @property
    def most(self) -> NDArray[np.int64]:
        """Tissue that a voxel holds most of: 1 fluid, 2 grey, 3 white; 0 outside the brain."""
        return largest([np.asarray(self.tissue[name].dataobj) for name in TISSUES])


def largest(shares: list[NDArray[np.floating]] | NDArray[np.floating]) -> NDArray[np.int64]:
    """Number of the largest share, from 1; 0 where there is none."""
    stack = np.stack([*shares])
    return np.where(stack.sum(axis=0) > 0.5, 1 + stack.argmax(axis=0), 0)


def labels(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels of a head's axes, and the tissue they are of, as in `Head.most`; 4 is other brain."""
    image = nib.as_closest_canonical(nib.load(str(path).replace("_T1.", "_T1_DLMUSE.")))
    single = np.asarray(image.dataobj).astype(int)
    groups = {}
    with (path.parent / "MUSE_mapping_derivedROIs.csv").open() as file:
        for row in csv.reader(file):
            if row[0] in ("509", "601", "604"):
                groups[row[0]] = [int(cell) for cell in row[2:] if cell.strip()]
    tissue = np.where(single > 0, 4, 0)
    for number, found in enumerate(([1, *groups["509"]], groups["601"], groups["604"]), start=1):
        tissue[np.isin(single, found)] = number
    return single, tissue


def three_means(head: Head) -> NDArray[np.int64]:
    """Plain clusters of the intensities in the brain, dark to bright."""
    inside = np.asarray(head.brain.dataobj) > 0
    values = np.asarray(head.image.dataobj)[inside].astype(float)
    start = np.percentile(values, [10, 45, 85])
    means, nearest = kmeans2(values, start, minit="matrix", iter=100)
    result = np.zeros(inside.shape, dtype=int)
    result[inside] = 1 + np.argsort(np.argsort(means))[nearest]
    return result


def atropos(head: Head) -> NDArray[np.int64] | None:
    """Atropos with the template's tissue as priors, as `benchmarks/preproc.py` runs it."""
    if not ANTS_PYTHON.is_file():
        return None
    inside = np.asarray(head.brain.dataobj) > 0
    grid = Grid.of(head.image)
    grey, white = (
        np.asarray(resample(load_template(kind, 2), grid, head.to_native).dataobj)
        for kind in ("GM", "WM")
    )
    images = {
        "stripped": np.asarray(head.image.dataobj) * inside,
        "healthy": inside,
        "prior_CSF": (1 - grey - white).clip(0, 1) * inside,
        "prior_GM": grey * inside,
        "prior_WM": white * inside,
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, values in images.items():
            image = nib.Nifti1Image(values.astype(np.float32), grid.affine)
            nib.save(image, Path(folder) / f"{name}.nii")
        peers = Path(__file__).with_name("peers.py")
        subprocess.run(
            [ANTS_PYTHON, peers, "ants_atropos", folder], check=True, stdout=subprocess.DEVNULL
        )
        return largest(np.load(Path(folder) / "ants_atropos.npy") * inside)


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def overlaps(found: NDArray[np.int64], true: NDArray[np.int64]) -> tuple[float, float]:
    """Dice of grey and of white matter."""
    grey, white = (dice(found == k, true == k) for k in (2, 3))
    return grey, white


def labelled(path: Path, name: str) -> list[str]:
    """Print the row of a labelled head; what falls short of the bar."""
    head = Head.of(path)
    single, true = labels(path)
    voxel_ml = Grid.of(head.image).voxel_volume / 1000
    own = overlaps(head.most, true)
    peers = {"3-means": overlaps(three_means(head), true)}
    by_ants = atropos(head)
    if by_ants is not None:
        peers["Atropos"] = overlaps(by_ants, true)
    volumes = [
        float(np.asarray(head.tissue[kind].dataobj).sum() / (true == k).sum())
        for k, kind in ((2, "GM"), (3, "WM"))
    ]
    nuclei = float((head.most[np.isin(single, NUCLEI)] == 2).mean())
    space = ndimage.binary_fill_holes(true > 0)
    mask = dice(np.asarray(head.brain.dataobj) > 0, space)
    cells = [f"{grey:.3f} {white:.3f}" for grey, white in (own, *peers.values())]
    ratios = " ".join(f"{ratio:.2f}" for ratio in volumes)
    print(f"| {name} | {' | '.join(cells)} | {ratios} | {nuclei:.2f} | {mask:.3f} |", flush=True)
    wrong = []
    if own[1] < LEAST_WHITE:
        wrong.append(f"white matter {own[1]:.3f}")
    wrong += [
        f"{tissue} below {peer}"
        for peer, values in peers.items()
        for tissue, ours, theirs in zip(("GM", "WM"), own, values, strict=True)
        if ours < theirs
    ]
    wrong += [f"volume {ratio:.2f}" for ratio in volumes if abs(ratio - 1) > WITHIN]
    wrong += [f"nuclei {nuclei:.2f}"] if nuclei < 0.5 else []
    wrong += [f"mask {mask:.3f} of {space.sum() * voxel_ml:.0f} ml"] if mask < LEAST_MASK else []
    return wrong


def contrasts(folder: Path, name: str) -> Iterator[tuple[str, list[str]]]:
    """Judge the T2w and FLAIR of a person by the tissue of the T1w."""
    t1w = Head.of(folder / f"{name}_T1w.nii.gz")
    told = folder.parents[1] / "derivatives" / "reference" / name / "anat"
    matrices = json.loads((told / f"{name}_transforms.json").read_text())
    to_t1w, to_t2w = (np.array(matrices[f"FLAIR_to_{end}"]) for end in ("T1w", "T2w"))
    for contrast, way in (("T2w", to_t1w @ np.linalg.inv(to_t2w)), ("FLAIR", to_t1w)):
        head = Head.of(folder / f"{name}_{contrast}.nii.gz", contrast)
        grid, move = Grid.of(head.image), Transform(matrix=way)
        shares = [np.asarray(resample(t1w.tissue[t], grid, move).dataobj) for t in TISSUES]
        yield contrast, judged(head, largest(shares), f"{name} {contrast}")


def labelled_flair(path: Path, name: str) -> list[str]:
    """Judge the FLAIR of a person by the labels of the T1w."""
    head = Head.of(path.with_name(path.name.replace("_T1.", "_FL.")), "FLAIR")
    if not head.tissue:
        return judged(head, np.zeros(0), f"{name} FLAIR")
    t1w, (_, true) = nib.as_closest_canonical(nib.load(path)), labels(path)
    to_voxels = np.linalg.inv(t1w.affine) @ head.image.affine
    moved = ndimage.affine_transform(
        true, to_voxels[:3, :3], to_voxels[:3, 3], output_shape=head.image.shape, order=0
    )
    return judged(head, moved, f"{name} FLAIR")


def judged(head: Head, true: NDArray[np.int64], name: str) -> list[str]:
    """Print the row of a T2w or FLAIR; what falls short of the bar."""
    if not head.tissue:
        print(f"| {name} | not written |", flush=True)
        return []
    found = head.most
    both = (true > 0) & (found > 0)
    grey, white = overlaps(found * both, true * both)
    print(f"| {name} | {grey:.3f} {white:.3f} |", flush=True)
    return [f"Dice {v:.3f}" for v in (grey, white) if v < LEAST_OTHER]


def main(data: Path, only: list[str]) -> int:
    """Print both tables; 1 if a head falls short of its bar."""
    wrong = {}
    peers = "3-means | Atropos" if ANTS_PYTHON.is_file() else "3-means"
    print(f"\n| head | GM WM Dice | {peers} | volume GM WM | nuclei grey | mask |")
    print("| --- " * (5 + peers.count("|") + 1) + "|")
    paths = sorted(data.glob("nichart_*/*_T1.nii.gz"), key=lambda path: int(path.name[4:-10]))
    for path in paths:
        name = path.name.removesuffix("_T1.nii.gz")
        if not only or name in only:
            wrong[name] = labelled(path, name)
    print("\n| T2w or FLAIR, by the T1w | GM WM Dice |\n| --- | --- |")
    for path in paths:
        name = path.name.removesuffix("_T1.nii.gz")
        if not only or f"{name}_FLAIR" in only:
            wrong[f"{name} FLAIR"] = labelled_flair(path, name)
    for folder in sorted(data.glob("ms_heads_t1_t2_flair/sub-*/anat")):
        name = folder.parent.name
        if not only or name in only:
            wrong |= {f"{name} {key}": value for key, value in contrasts(folder, name)}
    missed = {name: sentences for name, sentences in wrong.items() if sentences}
    for name, sentences in missed.items():
        print(f"{name} falls short: {', '.join(sentences)}")
    return 1 if missed or not wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    arguments = parser.parse_args()
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", "../shared/data")
    sys.exit(main(arguments.data or Path(default), arguments.only))
