"""Speed and quality of the preprocessing, beside its peers on the same simulated person.

usage: python benchmarks/preproc.py [FOLDER] [--voxel 1|3] [--peers [ants mrtrix dipy]]
T1w at 1 mm and dwi at 2 mm, 112 x 112 x 60 x 68, two threads. Prints seconds and quality of every
step, and of the whole participant level from files to files. What is simulated in FOLDER is used
again.
"""

import argparse
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from judge import Anatomy, Diffusion, in_view, motion_matrices, rigid_error
from scoreboard import MASKED, OURS, TOTAL, Row, compare, missed, show

from motor_bids_app.bids.files import load_image, read_json
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.levels.hardware import limit_threads
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.truth import compare_with_truth
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import TRUTH, SimulationSettings
from motor_bids_app.mri.anatomy import correct_bias, denoise, reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.diffusion.denoise import denoise_mppca
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.motion import correct_motion
from motor_bids_app.mri.diffusion.tensor import fit_tensor
from motor_bids_app.mri.registration import register_rigid, register_to_template
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template

THREADS = 2
SEED, DIRECTIONS = 5, 61  # and 7 volumes without weighting
ANTS_PYTHON = Path(__file__).parents[1] / ".venv-peers" / "bin" / "python"
PEERS = {  # command of peers.py: step, and program
    "ants_n4": ("bias field", "antspyx N4"),
    "ants_syn": ("registration", "antspyx SyN CC"),
    "ants_syn_masked": ("registration", "antspyx SyN CC, lesion masked"),
    "ants_atropos": ("tissue", "antspyx Atropos, our priors"),
    "mrtrix_denoise": ("denoising", "MRtrix dwidenoise"),
    "ants_motion": ("motion", "antspyx BOLDRigid"),
    "mrtrix_tensor": ("tensor", "MRtrix dwi2tensor"),
    "dipy_syn": ("registration", "dipy affine + SyN CC"),
    "dipy_hmrf": ("tissue", "dipy HMRF"),
    "dipy_mppca": ("denoising", "dipy mppca"),
    "dipy_motion": ("motion", "dipy affine"),
    "dipy_tensor": ("tensor", "dipy WLS"),
}


def timed(function, *arguments, **options):
    """Seconds and result of a call."""
    start = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - start, result


def run_peers_file(python, *words):
    """Run benchmarks/peers.py; the numbers it prints."""
    threads = {
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(THREADS),
        "OMP_NUM_THREADS": str(THREADS),
    }
    if words[0].startswith("mrtrix"):  # its own threads, each with two more, would wait
        threads["OMP_NUM_THREADS"] = "1"
    command = [python, str(Path(__file__).with_name("peers.py")), *map(str, words)]
    environment = {**os.environ, **threads}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def simulated(folder, voxel):
    """Dataset of one person."""
    if not (folder / "bids").exists():
        settings = SimulationSettings(
            output_dir=folder / "bids",
            n_participants=1,
            n_controls=0,
            voxel_size=voxel,
            n_directions=DIRECTIONS,
            seed=SEED,
            n_procs=1,
        )
        simulate.run(settings)
        if voxel == 1:
            limit_view(folder / "bids")
    return folder / "bids"


def limit_view(bids):
    """Give the dwi the field of view that the limits name."""
    truth = bids / TRUTH / "sub-001/dwi"
    brain = np.asarray(load_image(truth / "sub-001_desc-brain_mask.nii.gz").dataobj) > 0
    for path in (bids / "sub-001/dwi/sub-001_dwi.nii.gz", *sorted(truth.glob("*.nii.gz"))):
        image = load_image(path)
        values, affine = in_view(np.asarray(image.dataobj), image.affine, brain)
        nib.save(nib.Nifti1Image(values, affine, image.header), path)


def whole(bids, folder):
    """The participant level, from files to files, in a process of its own."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    used = run_peers_file(
        sys.executable,
        "measure",
        sys.executable,
        "-m",
        "motor_bids_app",
        bids,
        out,
        "participant",
        "--omp-nthreads",
        THREADS,
        "--nprocs",
        1,
    )
    quality = compare_with_truth(bids, Outputs(out, "001", None))
    status = read_table(out / "logs" / "participants_status.tsv")
    parts = [
        Row("of which", f"{name} step", float(seconds), {"GiB": float(memory) / 1024})
        for name, seconds, memory in zip(
            status["modality"], status["seconds"], status["peak_memory"], strict=True
        )
    ]
    # Every step resets the peak that the system counts.
    used["GiB"] = max(used["GiB"], *(part.quality["GiB"] for part in parts))
    return [Row(TOTAL, OURS, used.pop("seconds"), used | quality), *parts]


def save(work, image, name, values=None):
    """Save an image, or values on its grid, for the peers."""
    values = np.asarray(image.dataobj if values is None else values)
    values = values.astype(np.float32) if values.dtype != np.uint8 else values
    nib.save(nib.Nifti1Image(values, image.affine), work / f"{name}.nii")


def anatomy(bids, work):
    """Our steps on the T1w image, their rows, and the judge of all programs' results."""
    judge, rows = Anatomy.load(bids), []

    def step(name, function, *arguments, program=OURS):
        seconds, result = timed(function, *arguments)
        rows.append(Row(name, program, seconds))
        return result

    raw = reorient(load_image(bids / "sub-001/anat/sub-001_T1w.nii.gz"))
    lesion = load_image(bids / "derivatives/lesions/sub-001/anat/sub-001_label-L_mask.nii.gz")
    clean = step("image noise", denoise, raw)
    head = step("bias field", correct_bias, clean)
    rows[-1].quality = judge.bias(np.asarray(head.dataobj)) | {
        "before": judge.bias(np.asarray(clean.dataobj))["WM variation %"]
    }
    brain = step("brain mask", extract_brain, head)
    rows[-1].quality = judge.mask(np.asarray(brain.dataobj) > 0)
    plain = step("registration", register_to_template, head, brain)
    rows[-1].quality = near = judge.registration(plain.transform(judge.points))
    found = step("registration", register_to_template, head, brain, lesion, program=MASKED)
    rows[-1].quality = judge.registration(found.transform(judge.points))
    ratio = rows[-1].quality["near lesion mm"] / near["near lesion mm"]
    rows[-1].quality["near lesion to unmasked"] = ratio
    to_native = invert(found.transform, Grid.of(head))
    tissue = step("tissue", segment_tissue, head, brain, to_native, lesion)
    rows[-1].quality = judge.tissue(
        np.stack([np.asarray(tissue[name].dataobj) for name in ("CSF", "GM", "WM")])
    )
    rows.append(placing(bids, head, brain))
    export_anatomy(work, clean, head, brain, lesion, to_native)
    np.save(work / "points.npy", judge.points)
    return judge, rows


def placing(bids, head, brain):
    """The first volume of the dwi, found on the T1w image."""
    series = load_image(bids / "sub-001/dwi/sub-001_dwi.nii.gz")
    b0 = nib.Nifti1Image(np.asarray(series.dataobj[..., 0], dtype=np.float32), series.affine)
    seconds, matrix = timed(register_rigid, head, b0, brain)
    truth = read_json(bids / TRUTH / "sub-001/dwi/sub-001_motion.json")["DwiToT1w"]
    inside = np.argwhere(np.asarray(brain.dataobj) > 0).mean(axis=0)
    centre = nib.affines.apply_affine(head.affine, inside)
    return Row("b0 to T1w", OURS, seconds, rigid_error(matrix[None], np.linalg.inv(truth), centre))


def export_anatomy(work, clean, head, brain, lesion, to_template):
    """Write what the peers start from; brain mask and priors are ours."""
    inside, hurt = (np.asarray(image.dataobj) > 0 for image in (brain, lesion))
    save(work, clean, "head_raw")
    save(work, head, "stripped", np.asarray(head.dataobj) * inside)
    save(work, lesion, "lesion", hurt.astype(np.uint8))
    save(work, brain, "healthy", (inside & ~hurt).astype(np.uint8))
    save(work, load_template("T1w", 2), "template")
    grey, white = (
        np.asarray(resample(load_template(kind, 2), Grid.of(head), to_template).dataobj)
        for kind in ("GM", "WM")
    )
    for name, share in {"CSF": 1 - grey - white, "GM": grey, "WM": white}.items():
        save(work, head, f"prior_{name}", share.clip(0, 1) * inside)


def diffusion(folder, work, voxel):
    """Our steps on diffusion series, their rows, and the judge of all programs' results."""
    judge = Diffusion.load(folder, voxel, DIRECTIONS, SEED)
    rest, moved = judge.rest, judge.moved
    table = GradientTable.from_world(rest.b_values, rest.directions, rest.affine)
    seconds, (quiet, _) = timed(denoise_mppca, rest.image, rest.brain)
    before = judge.denoising(rest.image)["RMSE"]
    rows = [Row("denoising", OURS, seconds, judge.denoising(quiet) | {"before": before})]
    smooth, _ = denoise_mppca(moved.image, rest.brain)  # motion comes after it, as in the app
    seconds, found = timed(correct_motion, smooth, rest.affine, table, rest.brain)
    matrices = motion_matrices(found.parameters, judge.centre)
    rows.append(Row("motion", OURS, seconds, judge.motion(matrices)))
    seconds, maps = timed(fit_tensor, quiet, table, rest.brain)
    rows.append(Row("tensor", OURS, seconds, judge.tensor(maps["fa"])))
    np.save(work / "fa.npy", maps["fa"])
    like = nib.Nifti1Image(rest.brain.astype(np.uint8), rest.affine)
    save(work, like, "dwi_brain")
    for name, values in {"rest": rest.image, "denoised": quiet, "moved": smooth}.items():
        save(work, like, name, values)
    for name, text in zip(("dwi.bval", "dwi.bvec"), table.to_text(), strict=True):
        (work / name).write_text(text)
    return judge, rows


def peers(work, heads, series, wanted):
    """Rows of the peers that are wanted and there; what fails or is missing is said."""
    judges = {
        "bias field": heads.bias,
        "registration": heads.registration,
        "tissue": heads.tissue,
        "denoising": series.denoising,
        "motion": series.motion,
        "tensor": series.tensor,
    }
    missing = set() if ANTS_PYTHON.exists() else {"ants"}
    missing |= set() if shutil.which("dwidenoise") else {"mrtrix"}
    rows = {}
    for command, (step, program) in PEERS.items():
        kind = command.split("_")[0]
        if kind not in wanted:
            continue
        if kind in missing:
            print(f"left out: {program} (not installed)")
            continue
        logging.info("%s: %s", step, program)
        try:
            python = str(ANTS_PYTHON) if kind == "ants" else sys.executable
            used = run_peers_file(python, command, work)
        except subprocess.CalledProcessError as error:
            print(f"left out: {program} ({error})")
            continue
        result = np.load(work / f"{command}.npy")
        rows[command] = Row(step, program, **used, quality=judges[step](result))
    return rows


def main() -> int:
    """Simulate, run all, print; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--voxel", type=float, choices=(1.0, 3.0), default=1.0, help="of T1w, mm")
    kinds = sorted({name.split("_")[0] for name in PEERS})
    parser.add_argument("--peers", nargs="*", choices=kinds, default=kinds)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    limit_threads(THREADS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)).absolute()
        work = folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        bids = simulated(folder, options.voxel)
        rows = whole(bids, folder)
        heads, ours = anatomy(bids, work)
        rows += ours
        series, ours = diffusion(folder, work, options.voxel)
        rows += ours
        others = peers(work, heads, series, options.peers)
        compare(rows, others, work)
        sizes = [" x ".join(map(str, array.shape)) for array in (heads.brain, series.rest.image)]
    print(f"\nT1w {sizes[0]}, dwi {sizes[1]}, {THREADS} threads, {platform.machine()}")
    if options.voxel == 1:
        print("the limits name 256 x 256 x 176 (a little smaller), and 112 x 112 x 60 x 68")
    print()
    show(rows)
    if options.voxel > 1:
        print("\nthe limits are for voxels of 1 mm: not checked")
        return 0
    return missed(rows)


if __name__ == "__main__":
    sys.exit(main())
