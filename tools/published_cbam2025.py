"""Predict one person with the published networks of cbam2025, as they were published.

usage: python tools/published_cbam2025.py MODEL.json WEIGHTS_DIR --map FA=fa.nii.gz WM=wm.nii.gz \
           --age 45 --sex 0 --days 1568

MODEL.json and WEIGHTS_DIR are Ensemble_Models of miccai3806/MotorImpairmentPrediction on GitHub
(FA_MotorScore_weights.hdf5 and the like, by Git LFS); h5py reads them (pip install h5py). Maps are
those of the authors' own preprocessing, in their units: see docs/presets.md.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from motor_bids_app.errors import DataError, InputMissingError, MotorBidsAppError, UsageError
from motor_bids_app.models.networks.published import PublishedNetwork

SHAPE, VOXEL = (91, 109, 91), 2.0
# Published: age over the oldest person's, days since stroke over the longest.
AGE, DAYS = 85.0, 6368.0
# Median of what is not 0 in the two people published with the weights, in each map's own unit.
MEDIANS = {"FA": 0.146, "MD": 0.087, "RD": 0.089, "AD": 0.110, "GM": 0.510, "WM": 0.735}
FAR = 2.5  # times that median, or less than one such part of it
BEST = ("FA", "WM")


def read_map(name: str, path: Path) -> np.ndarray:
    """Return a map as the network was given it: 2 mm MNI, first axis from right to left."""
    if not path.is_file():
        raise InputMissingError(f"--map {name}={path}: there is no such file.")
    image = nib.load(path)
    turn = ornt_transform(io_orientation(image.affine), axcodes2ornt(("L", "A", "S")))
    image = image.as_reoriented(turn)
    sizes = np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))
    if image.shape != SHAPE or not np.allclose(sizes, VOXEL, atol=0.01):
        raise DataError(
            f"{path} has {image.shape} voxels of {sizes.round(2)} mm, and the networks know maps "
            f"of {SHAPE} voxels of 2 mm in MNI space alone. Resample it first."
        )
    values = np.asarray(image.dataobj, dtype=np.float32)
    median = float(np.median(values[values != 0])) if (values != 0).any() else 0.0
    if not MEDIANS[name] / FAR < median < MEDIANS[name] * FAR:
        raise DataError(
            f"{path}: the median of {name} is {median:.3g} where it is not 0, and {MEDIANS[name]} "
            "in the maps that were published. The networks have learned that unit: bring the map "
            "to it, or do without these weights."
        )
    return values


def read_weights(path: Path) -> dict[str, list[np.ndarray]]:
    """Return the arrays of each layer of a file of Keras, in its order."""
    try:
        import h5py
    except ImportError as error:
        raise UsageError("These weights are read by h5py: pip install h5py.") from error
    if not path.is_file():
        raise InputMissingError(f"{path} is missing: fetch it by git lfs pull.")
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            return {
                _text(layer): [
                    np.asarray(root[layer][one]) for one in root[layer].attrs["weight_names"]
                ]
                for layer in root.attrs["layer_names"]
            }
    except (OSError, KeyError) as error:
        raise DataError(
            f"{path} is no file of Keras weights ({error}). A few lines of text instead are a "
            "pointer of Git LFS: git lfs pull fetches what it stands for."
        ) from error


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def main() -> int:
    """Print the probability of a poor outcome by each map, and of their means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--map", nargs="+", required=True, metavar="NAME=FILE")
    parser.add_argument("--age", type=float, required=True, help="years")
    parser.add_argument("--sex", type=float, required=True, help="0 or 1, as coded by the authors")
    parser.add_argument("--days", type=float, required=True, help="since stroke; 0 for a control")
    args = parser.parse_args()
    try:
        found = predict(args)
    except MotorBidsAppError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    means = {"mean of all": list(found), "mean of FA and WM": list(BEST)}
    for name, value in found.items():
        print(f"{name}\t{value:.3f}")
    for label, names in means.items():
        if set(names) <= set(found) and len(found) > 1:
            print(f"{label}\t{np.mean([found[name] for name in names]):.3f}")
    return 0


def predict(args: argparse.Namespace) -> dict[str, float]:
    """Probability of a poor outcome by each map."""
    files = dict(one.partition("=")[::2] for one in args.map)
    unknown = sorted(set(files) - set(MEDIANS))
    if unknown:
        raise UsageError(f"--map {unknown[0]}: use {', '.join(MEDIANS)}, as in FA=fa.nii.gz.")
    description = json.loads(args.model.read_text(encoding="utf-8"))
    demographics = np.float32([[args.age / AGE, args.sex, args.days / DAYS]])
    found = {}
    for name, file in files.items():
        weights = read_weights(args.weights / f"{name}_MotorScore_weights.hdf5")
        network = PublishedNetwork(description, weights)
        values = read_map(name, Path(file))
        found[name] = float(network.predict(values[None], demographics)[0, 0])  # 0 is poor there
    return found


if __name__ == "__main__":
    sys.exit(main())
