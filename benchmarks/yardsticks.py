"""What real images are measured by: labels, answers that others found, peers, repeatability."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from coregistration import judge
from coregistration import real as pairs
from heads import Head, dice
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.bids.tables.tsv import read_table

# Median of MD in a brain mask by a log-linear fit of others to the raw series, mm2/s, from the
# READMEs of the data. FA is not compared: it falls with noise, which the app removes first.
KNOWN_MD = {
    "dwi_ap_pa_b2500": 6.8e-4,
    "dwi_canon_orientations": 8.2e-4,
    "dwi_philips_trace": 9.0e-4,
}
TURN, SHIFT = (4.0, -3.0, 5.0), (1.3, -0.7, 2.1)  # degrees and mm of an image taken again
REPEATED = {"GM": 0.85, "WM": 0.85, "brain": 0.96}  # Dice


@dataclass(frozen=True)
class Verdict:
    """One line of the table: what was found of an image, and what it has to be."""

    image: str
    yardstick: str
    found: str
    bar: str
    held: bool

    def __str__(self) -> str:
        cells = (self.image, self.yardstick, self.found, self.bar)
        return f"| {' | '.join(cells)} | {'held' if self.held else 'MISSED'} |"


def diffusion(folder: Path, name: str, raw: list[Path]) -> Iterator[Verdict]:
    """Diffusivity beside the answer of others and a plain fit, and motion of heads that lay still.

    Parameters
    ----------
    folder : Path
        Derivatives of the dataset.
    name : str
        Of the dataset.
    raw : list of Path
        Its series.
    """
    person = next(folder.glob("sub-*/dwi")).parent
    mask, fitted = native(person, "desc-brain_mask"), native(person, "model-tensor_param-md_dwimap")
    inside = mask.get_fdata() > 0
    md = float(np.median(fitted.get_fdata()[inside]))
    if name in KNOWN_MD:
        yield _ratio(name, "MD, answer of others", md / KNOWN_MD[name])
    same = [path for path in raw if np.allclose(nib.load(path).affine, mask.affine, atol=1e-3)]
    if same:
        plain = float(np.mean([plain_md(path, inside) for path in same]))
        yield _ratio(name, "MD, plain fit to the raw series", md / plain)
    features = read_table(next(person.glob("*_desc-features.tsv")))
    if name in ("dwi_ap_pa_b2500", "dwi_trio_20dir"):
        moved = float(features["motion_mean_fd"].iloc[0])
        yield Verdict(name, "head that lay still", f"{moved:.2f} mm", "1 mm", moved <= 1)


def _ratio(name: str, yardstick: str, ratio: float) -> Verdict:
    return Verdict(name, yardstick, f"{ratio:.2f}", "0.9 to 1.1", 0.9 <= ratio <= 1.1)


def native(person: Path, what: str) -> nib.Nifti1Image:
    """Load an image of the dwi in its own space."""
    found = person.glob(f"dwi/*_{what}.nii.gz")
    return nib.load(next(path for path in found if "space-" not in path.name))


def plain_md(path: Path, inside: NDArray[np.bool_]) -> float:
    """Median MD of a log-linear fit to a raw series."""
    data = nib.load(path).get_fdata()[inside]
    stem = str(path).removesuffix(".nii.gz")
    bvals, (x, y, z) = np.loadtxt(f"{stem}.bval"), np.loadtxt(f"{stem}.bvec")
    design = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z], axis=1)
    design = np.column_stack([np.ones(len(bvals)), -bvals[:, None] * design])
    logs = np.log(np.maximum(data, 1e-3 * data.mean())).T
    return float(np.median(np.linalg.lstsq(design, logs, rcond=None)[0][1:4].mean(axis=0)))


def repeated(path: Path, contrast: str, name: str, folder: Path) -> Iterator[Verdict]:
    """Tissue and brain of an image and of the same taken again, turned and moved, as Dice."""
    image = nib.as_closest_canonical(nib.load(path))
    data = np.squeeze(np.asarray(image.dataobj, dtype=np.float32))
    turn = Rotation.from_euler("xyz", TURN, degrees=True).as_matrix()
    world = np.eye(4)
    middle = apply_affine(image.affine, (np.array(data.shape) - 1) / 2)
    world[:3, :3], world[:3, 3] = turn, middle - turn @ middle + SHIFT
    way = np.linalg.inv(image.affine) @ world @ image.affine  # voxels here to voxels there
    moved = ndimage.affine_transform(data, way[:3, :3], way[:3, 3], order=3, mode="nearest")
    first = Head.of(path, contrast)
    folder.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.maximum(moved, 0), image.affine), folder / "again.nii.gz")
    second = Head.of(folder / "again.nii.gz", contrast)
    found = {"brain": (masks(first), masks(second))}
    if first.tissue and second.tissue:
        found |= {kind: (first.most == k, second.most == k) for k, kind in ((2, "GM"), (3, "WM"))}
    for kind, (one, other) in found.items():
        back = ndimage.affine_transform(
            one.astype(np.float32), way[:3, :3], way[:3, 3], output_shape=other.shape, order=1
        )
        value, bar = dice(back >= 0.5, other), REPEATED[kind]
        yield Verdict(name, f"{kind}, taken again", f"{value:.3f}", f"{bar:.2f}", value >= bar)


def masks(head: Head) -> NDArray[np.bool_]:
    """Brain of a head."""
    return np.asarray(head.brain.dataobj) > 0


def brains(data: Path) -> Iterator[Verdict]:
    """Brain masks of clinical heads beside those of the authors, and of a head without skull."""
    root = data / "ms_heads_t1_t2_flair"
    for theirs in sorted(root.glob("derivatives/reference/sub-*/anat/*_desc-brain_mask.nii.gz")):
        label, space = (part.partition("-")[2] for part in theirs.name.split("_")[:2])
        path = root / f"sub-{label}/anat/sub-{label}_{space}.nii.gz"
        own = masks(Head.of(path, space))
        true = np.asarray(nib.as_closest_canonical(nib.load(theirs)).dataobj) > 0
        value = dice(own, true)
        yield Verdict(
            f"{label} {space}", "mask of the authors", f"{value:.3f}", "0.96", value >= 0.96
        )


def placed(data: Path) -> Iterator[Verdict]:
    """Pairs under one wrong header in four orders, and from where others found them to lie."""
    for pair in pairs(data):
        held = judge(pair, 1)
        yield Verdict(pair.name, "place: wrong header, others", "above", "1 mm, 1 degree", held)
