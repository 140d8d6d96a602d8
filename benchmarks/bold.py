"""Speed and quality of the bold, beside its peers on the same simulated person.

usage: python benchmarks/bold.py [FOLDER] [--no-peers]
Bold of 64 x 64 x 30 x 240 at 2 s, two threads. Prints seconds and quality of the step from files
to files, and of its parts beside nilearn, antspyx and a plain loop, whose times `--no-peers` leaves
out. What is simulated in FOLDER is used again, and so is its anatomy once it is processed; the bold
is processed anew.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from nilearn.signal import clean
from preproc import ANTS_PYTHON, THREADS, run_peers_file, timed
from scipy.spatial.transform import Rotation
from scoreboard import OURS, Row, missed, show

from motor_bids_app.bids.files import load_image, read_json
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.features.connectivity import sliding_windows, window_maps
from motor_bids_app.levels.hardware import limit_threads
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.steps import Step
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import TRUTH, SimulationSettings
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.functional.cleaning import Cleaner, stop_band
from motor_bids_app.mri.functional.motion import estimate_motion, mean_volume
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.spaces.grids import Grid

SEED, DUMMIES, WINDOW, REPETITION, BAND = 5, 10, 22, 2.0, (0.01, 0.1)
ALL_VOXELS = 61 * 73 * 61
LOOPED, JUDGED = 20_000, 200  # voxels of the plain loop, and of numpy's correlations
LIMITS = (
    ("bold, files to files", OURS, "seconds", 25, False),
    ("bold, files to files", OURS, "GiB", 4, False),
    ("motion", OURS, "mean mm", 0.17, False),
    ("bold to T1w", OURS, "mean mm", 1.0, False),
    ("bold to T1w", OURS, "degrees", 1.0, False),
    ("windows", OURS, "seconds", 1.5, False),
    ("windows", OURS, "most off numpy's r", 1e-4, False),
    ("cleaning", OURS, "most SD off nilearn's", 1e-3, False),
    ("chain", "nilearn, antspyx, plain loop", "times ours", 10, True),
)


def dataset(folder):
    """Dataset of one person with T1w and bold."""
    bids = folder / "bids"
    if not bids.exists():
        settings = SimulationSettings(
            output_dir=bids, n_participants=1, n_controls=0, seed=SEED, modalities=("anat", "bold")
        )
        simulate.run(settings)
    return bids


def whole(bids, out):
    """The bold step in a process of its own, once the anatomy is there."""
    command = [
        sys.executable,
        "-m",
        "motor_bids_app",
        bids,
        out,
        "participant",
        "--dummy-scans",
        DUMMIES,
        "--omp-nthreads",
        THREADS,
        "--nprocs",
        1,
        "--skip-bids-validation",
    ]
    anatomy, bold = (Step(name, "sub-001", out) for name in ("anat", "bold"))
    bold.discard()  # a step that is kept takes no time
    runs = (("anat", "bold"),) if anatomy.record.is_file() else (("anat",), ("anat", "bold"))
    for modalities in runs:
        words = [*map(str, command), "--modalities", *modalities]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    status = read_table(out / "logs" / "participants_status.tsv").set_index("modality")
    if status.loc["anat", "state"] != "kept":
        sys.exit("The anatomy was made by another version, and is new now: run this again.")
    row = status.loc["bold"]
    return Row(
        "bold, files to files",
        OURS,
        float(row["seconds"]),
        {"GiB": float(row["peak_memory"]) / 1024},
    )


def point_error(found, true, points):
    """Mean distance, mm, between where two matrices take points."""
    return float(
        np.linalg.norm(apply_affine(found, points) - apply_affine(true, points), axis=1).mean()
    )


def place(bids, outputs, work):
    """Motion and coregistration against the truth."""
    stem = "sub-001/func/sub-001_task-rest"
    image = load_image(bids / f"{stem}_bold.nii.gz")
    truth = read_json(bids / TRUTH / f"{stem}_motion.json")
    data = np.asarray(image.dataobj, dtype=np.float32)[..., DUMMIES:]
    true, affine = np.array(truth["Volumes"])[DUMMIES:], image.affine
    reference = data.shape[3] // 2
    rough = dwi_mask(data.mean(axis=3), Grid.of(image).voxel_sizes)
    seconds, found = timed(estimate_motion, data, affine, rough, reference)
    points = apply_affine(affine, np.argwhere(rough)[::7])
    wanted = true @ np.linalg.inv(true[reference])
    in_mm = affine @ found.matrices @ np.linalg.inv(affine)
    errors = [point_error(one, other, points) for one, other in zip(in_mm, wanted, strict=True)]
    still = [point_error(np.eye(4), other, points) for other in wanted]
    quality = {"mean mm": np.mean(errors), "most mm": max(errors), "mean mm before": np.mean(still)}
    rows = [Row("motion", OURS, seconds, quality)]
    mean = nib.Nifti1Image(mean_volume(data, found.matrices), affine)
    head, brain = load_image(outputs.head), outputs.load("mask", "anat", desc="brain")
    seconds, matrix = timed(register_rigid, head, mean, brain)
    right = true[reference] @ np.linalg.inv(np.array(truth["BoldToT1w"]))
    inside = apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj) > 0)[::997])
    turned = Rotation.from_matrix(nearest_rotation(matrix @ np.linalg.inv(right))).magnitude()
    errors = {"mean mm": point_error(matrix, right, inside), "degrees": np.rad2deg(turned)}
    rows.append(Row("bold to T1w", OURS, seconds, errors))
    nib.save(nib.Nifti1Image(data, affine), work / "bold.nii")
    np.save(work / "bold_reference.npy", reference)
    return rows, lambda matrices: {
        "mean mm": np.mean(
            [
                point_error(one, other, points)
                for one, other in zip(matrices, wanted, strict=True)
                if np.isfinite(one).all()
            ]
        )
    }


def nearest_rotation(matrix):
    """Rotation of a rigid transform, free of rounding."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    return left @ right


def cleaning(rng, peers):
    """Regression and band-pass of all voxels, by us and by nilearn."""
    n_volumes = 240 - DUMMIES
    signals = 1000 + 10 * rng.standard_normal((n_volumes, ALL_VOXELS), dtype=np.float32)
    confounds = np.cumsum(rng.standard_normal((n_volumes, 26)), axis=0)
    seconds, ours = timed(lambda: Cleaner.of(confounds, REPETITION, BAND).clean(signals))
    band = stop_band(n_volumes, REPETITION, BAND)
    few = signals[:, :2000]
    same = clean(few, confounds=np.hstack([confounds, band]), filter=False, standardize=None)
    off = np.abs(same - ours[:, :2000]).max() / same.std()
    rows = [Row("cleaning", OURS, seconds, {"most SD off nilearn's": float(off)})]
    if not peers:
        return rows, ours
    seconds, theirs = timed(
        clean,
        signals,
        confounds=confounds,
        t_r=REPETITION,
        low_pass=BAND[1],
        high_pass=BAND[0],
        standardize=None,
    )
    pairs = zip(ours[:, :500].T, theirs[:, :500].T, strict=True)
    alike = np.median([np.corrcoef(one, other)[0, 1] for one, other in pairs])
    rows.append(Row("cleaning", "nilearn clean, Butterworth", seconds, {"r with ours": alike}))
    return rows, ours


def windows(signals, peers):
    """Maps of all windows, by us and by a loop over windows and voxels."""
    seed = signals[:, :30].mean(axis=1, dtype=np.float64)
    weights = sliding_windows(len(signals), WINDOW)
    window_maps(signals[:, :5000], seed, weights)  # libraries start their threads
    seconds, maps = timed(window_maps, signals, seed, weights)
    starts = range(len(weights))
    judged = np.array(
        [
            [
                np.corrcoef(seed[w : w + WINDOW], signals[w : w + WINDOW, v].astype(np.float64))[
                    0, 1
                ]
                for v in range(JUDGED)
            ]
            for w in starts
        ]
    )
    off = np.abs(np.tanh(maps[:, :JUDGED]) - judged).max()
    quality = {"windows": len(maps), "most off numpy's r": float(off)}
    rows = [Row("windows", OURS, seconds, quality)]
    if not peers:
        return rows

    def loop(part):
        found = []
        for w in starts:
            inside = part[w : w + WINDOW] - part[w : w + WINDOW].mean(axis=0)
            course = seed[w : w + WINDOW] - seed[w : w + WINDOW].mean()
            scale = np.linalg.norm(inside, axis=0) * np.linalg.norm(course)
            found.append(np.arctanh(course @ inside / scale))
        return np.array(found)

    seconds, _ = timed(loop, signals[:, :LOOPED])
    scale = signals.shape[1] / LOOPED
    rows.append(Row("windows", "loop over windows", scale * seconds, scale=scale))
    return rows


def main() -> int:
    """Simulate, run all, print; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    limit_threads(THREADS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)).absolute()
        work = folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        bids = dataset(folder)
        rows = [whole(bids, folder / "out")]
        placed, judge = place(bids, Outputs(folder / "out", "001", None), work)
        peers = not options.no_peers
        cleaned, signals = cleaning(np.random.default_rng(SEED), peers)
        rows += [*placed, *cleaned, *windows(signals, peers)]
        if ANTS_PYTHON.exists() and peers:
            used = run_peers_file(str(ANTS_PYTHON), "ants_bold", work)
            found = np.load(work / "ants_bold.npy")
            rows.append(Row("motion", "antspyx BOLDRigid", **used, quality=judge(found)))
    parts = [row for row in rows if row.step in ("motion", "cleaning", "windows")]
    ours = sum(row.seconds for row in parts if row.program == OURS)
    theirs = [row.seconds for row in parts if row.program != OURS]
    if len(theirs) == 3:
        name = "nilearn, antspyx, plain loop"
        quality = {
            "times ours": sum(theirs) / rows[0].seconds,
            "times our parts": sum(theirs) / ours,
        }
        rows.append(Row("chain", name, sum(theirs), quality))
    print(f"\nbold 64 x 64 x 30 x 240, {THREADS} threads\n")
    show(rows)
    return missed(rows, LIMITS)


if __name__ == "__main__":
    sys.exit(main())
