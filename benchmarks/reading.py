"""Cost of the door: what it takes to list, open and check the inputs of one participant.

usage: python benchmarks/reading.py
Writes a participant with files of full size to a temporary folder: T1w of 1 mm, a lesion mask,
dwi 96 x 96 x 60 x 70, bold 64 x 64 x 36 x 200, and EEG of 64 channels and 5 minutes in EDF. Prints
CPU seconds of the index, of the check of headers (as --dry-run makes it), of opening each input as
a step does, and of nibabel's and MNE's plain reading of the same files; 1 if all that the app does
takes more than 3 CPU seconds.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import mne
import nibabel as nib
import numpy as np

from motor_bids_app.bids.edf import write_edf
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.levels.hardware import limit_threads
from motor_bids_app.levels.participant.anatomy.read import read_anatomy
from motor_bids_app.levels.participant.diffusion.read import read_series
from motor_bids_app.levels.participant.foreseen import foreseen
from motor_bids_app.levels.participant.functional.read import read_series as read_bold
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.physiology.read import read_recording
from motor_bids_app.settings import BoldSettings, ProcessingSettings, Selection

LIMIT = 3.0  # CPU s
RATE, SECONDS = 500, 300
T1W, DWI, BOLD = (176, 240, 256), (96, 96, 60, 70), (64, 64, 36, 200)


def save(path, values, voxel, sidecar=None):
    """An image in the folder that its name says, with its sidecar."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([voxel, voxel, voxel, 1.0])
    affine[:3, 3] = -voxel * np.array(values.shape[:3]) / 2
    image = nib.Nifti1Image(values, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    if sidecar is not None:
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(sidecar))


def head(shape, rng):
    """Bright in an ellipsoid, with noise: compresses as an image of a head does."""
    places = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape[:3]), indexing="ij", sparse=True)
    inside = sum(place**2 for place in places) < 0.6
    inside = inside if len(shape) == 3 else inside[..., None]
    return np.clip(rng.normal(30, 10, shape) + 600 * inside, 0, None).astype(np.int16)


def write_participant(folder):
    """Write the dataset."""
    rng = np.random.default_rng(0)
    start = folder / "sub-01"
    (folder / "dataset_description.json").parent.mkdir(exist_ok=True)
    text = json.dumps({"Name": "reading", "BIDSVersion": "1.10.0"})
    (folder / "dataset_description.json").write_text(text)
    t1w = head(T1W, rng)
    save(start / "anat" / "sub-01_T1w.nii.gz", t1w, 1.0, {})
    lesion = np.zeros(T1W, dtype=np.uint8)
    lesion[60:80, 100:130, 120:150] = 1
    save(start / "anat" / "sub-01_label-L_mask.nii.gz", lesion, 1.0)
    phase = {"PhaseEncodingDirection": "j", "TotalReadoutTime": 0.05}
    save(start / "dwi" / "sub-01_dwi.nii.gz", head(DWI, rng), 2.0, phase)
    directions = rng.normal(size=(3, DWI[3]))
    directions /= np.linalg.norm(directions, axis=0)
    bvals = np.where(np.arange(DWI[3]) % 10 == 0, 0, 1000)
    np.savetxt(start / "dwi" / "sub-01_dwi.bvec", directions * (bvals > 0), fmt="%.6f")
    np.savetxt(start / "dwi" / "sub-01_dwi.bval", bvals[None], fmt="%d")
    path = start / "func" / "sub-01_task-rest_bold.nii.gz"
    save(path, head(BOLD, rng), 3.5, {"RepetitionTime": 2.0, "TaskName": "rest"})
    (start / "eeg").mkdir()
    names = [f"E{number}" for number in range(1, 65)]
    signals = rng.normal(0, 10, (64, RATE * SECONDS))
    write_edf(start / "eeg" / "sub-01_task-rest_eeg.edf", signals, names, RATE)


def cpu(work):
    """What a function returns, and the CPU seconds that it took."""
    start = time.process_time()
    found = work()
    return found, time.process_time() - start


def opened(scan, folder):
    """CPU seconds of opening each input as its step does."""
    outputs = Outputs(folder / "out", "01", None)
    return {
        "T1w and lesion": cpu(lambda: read_anatomy(scan))[1],
        "dwi": cpu(lambda: read_series(scan, outputs, ProcessingSettings()))[1],
        "bold": cpu(lambda: read_bold(scan.bold, BoldSettings()))[1],
        "EEG": cpu(lambda: read_recording(scan.eeg))[1],
    }


def plainly(scan):
    """CPU seconds of nibabel and MNE for the same files, whole."""
    images = [scan.t1w, scan.lesion.path, scan.dwi, scan.bold.path]
    _, of_images = cpu(lambda: [np.asanyarray(nib.load(path).dataobj) for path in images])
    _, of_eeg = cpu(lambda: mne.io.read_raw_edf(scan.eeg.path, preload=True, verbose="ERROR"))
    return of_images, of_eeg


def main():
    """Print the table; return whether the cost is above the limit."""
    limit_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "raw"
        folder.mkdir()
        write_participant(folder)
        (scan,), index = cpu(lambda: index_dataset(folder, Selection()))
        problems, headers = cpu(lambda: foreseen(scan))
        assert not problems, problems
        of_images, of_eeg = plainly(scan)  # first, so that imports are not counted
        parts = {"index": index, "headers": headers, **opened(scan, Path(name))}
    total = sum(parts.values())
    for part, seconds in parts.items():
        print(f"{part:16} {seconds:6.2f} CPU s")
    print(f"{'together':16} {total:6.2f} CPU s (limit {LIMIT:g})")
    plain = of_images + of_eeg
    print(f"nibabel {of_images:.2f} and MNE {of_eeg:.2f} CPU s: the app takes {total / plain:.2f}x")
    return total > LIMIT


if __name__ == "__main__":
    sys.exit(main())
