"""Peers of the preprocessing: each command runs one step of one program.

usage: PYTHON benchmarks/peers.py COMMAND FOLDER
       python benchmarks/peers.py measure PROGRAM [ARGUMENT ...]
`benchmarks/preproc.py` writes the inputs into FOLDER, and starts each command in a process of its
own, with the interpreter that has the program: antspyx needs an environment of its own. A command
leaves its result as COMMAND.npy, and prints one line of JSON: its seconds without those for imports
and files (MRtrix: with its own files), and by how much they were scaled up.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SLICES, RIM = 10, 3  # of the series for dipy's denoising; at either end, no full patches
MOVED = 8  # volumes of a bold whose motion is estimated
WEIGHTED = 4  # volumes whose motion is estimated, the others would take as long
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])  # between RAS and ITK's LPS


class Clock:
    """Context that measures its block."""

    def __enter__(self):
        self.start = time.perf_counter()
        return self

    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self.start


def image(folder, name):
    import nibabel as nib

    return nib.load(folder / f"{name}.nii")


def array(folder, name, dtype=np.float32):
    return np.asarray(image(folder, name).dataobj, dtype=dtype)


def gradients(folder):
    """Gradients as dipy has them."""
    from dipy.core.gradients import gradient_table

    b_values = np.loadtxt(folder / "dwi.bval")
    return gradient_table(b_values, bvecs=np.loadtxt(folder / "dwi.bvec").T)


def moved_volumes(folder):
    """Some weighted volumes, spread over the series."""
    weighted = np.flatnonzero(np.loadtxt(folder / "dwi.bval") > 0)
    return weighted[np.linspace(0, len(weighted) - 1, WEIGHTED).astype(int)]


def matrices_of(found, n_volumes):
    """Matrices of all volumes, NaN where none was estimated, and the scale of the time."""
    matrices = np.full((n_volumes, 4, 4), np.nan)
    for volume, matrix in found.items():
        matrices[volume] = matrix
    return matrices, (n_volumes - 1) / len(found)


def ants_n4(folder):
    import ants

    head = ants.image_read(str(folder / "head_raw.nii"))
    with Clock() as clock:
        corrected = ants.n4_bias_field_correction(
            head, mask=ants.get_mask(head), convergence={"iters": [50, 50, 50], "tol": 1e-4}
        )
    return clock, corrected.numpy(), 1


def ants_syn(folder, masked=False):
    import ants
    import pandas as pd

    template, brain, lesion = (
        ants.image_read(str(folder / f"{name}.nii")) for name in ("template", "stripped", "lesion")
    )
    masks = {}
    if masked:
        masks = {"mask": template > -1, "moving_mask": lesion < 0.5, "mask_all_stages": True}
    with Clock() as clock:
        found = ants.registration(
            template,
            brain,
            "SyN",
            reg_iterations=(60, 40, 15),
            syn_metric="CC",
            syn_sampling=2,
            random_seed=1,
            **masks,
        )
    points = np.load(folder / "points.npy") @ FLIP[:3, :3]
    table = pd.DataFrame(points, columns=["x", "y", "z"])
    moved = ants.apply_transforms_to_points(3, table, found["fwdtransforms"])
    return clock, moved[["x", "y", "z"]].to_numpy() @ FLIP[:3, :3], 1


def ants_syn_masked(folder):
    return ants_syn(folder, masked=True)


def ants_atropos(folder):
    import ants

    names = ("stripped", "healthy", "prior_CSF", "prior_GM", "prior_WM")
    brain, healthy, *priors = (ants.image_read(str(folder / f"{name}.nii")) for name in names)
    with Clock() as clock:
        found = ants.atropos(brain, healthy, i=priors, m="[0.1,1x1x1]", c="[5,0]")
    return clock, np.stack([image.numpy() for image in found["probabilityimages"]]), 1


def ants_motion(folder):
    import ants

    series, spacing = array(folder, "moved"), image(folder, "moved").header.get_zooms()
    affine = FLIP @ image(folder, "moved").affine
    place = {"spacing": spacing[:3], "origin": affine[:3, 3].tolist()}
    place["direction"] = affine[:3, :3] / spacing[:3]
    first, found = ants.from_numpy(series[..., 0], **place), {}
    with Clock() as clock:
        for volume in moved_volumes(folder):
            other = ants.from_numpy(np.ascontiguousarray(series[..., volume]), **place)
            result = ants.registration(first, other, "BOLDRigid", random_seed=1)
            found[volume] = rigid_of(ants.read_transform(result["fwdtransforms"][0]))
    return clock, *matrices_of(found, series.shape[3])


def ants_bold(folder):
    import ants

    series, spacing = array(folder, "bold"), image(folder, "bold").header.get_zooms()
    affine = FLIP @ image(folder, "bold").affine
    place = {"spacing": [float(size) for size in spacing[:3]], "origin": affine[:3, 3].tolist()}
    place["direction"] = affine[:3, :3] / spacing[:3]
    volumes = [
        ants.from_numpy(np.ascontiguousarray(series[..., t]), **place)
        for t in range(series.shape[3])
    ]
    first, found = volumes[int(np.load(folder / "bold_reference.npy"))], {}
    with Clock() as clock:
        for volume in np.linspace(0, len(volumes) - 1, MOVED).astype(int):
            result = ants.registration(first, volumes[volume], "BOLDRigid", random_seed=1)
            found[volume] = rigid_of(ants.read_transform(result["fwdtransforms"][0]))
    return clock, *matrices_of(found, series.shape[3])


def rigid_of(transform):
    """Matrix, RAS, of an affine transform of ANTs."""
    origin = np.array(transform.apply_to_point((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    for axis, end in enumerate(np.eye(3)):
        matrix[:3, axis] = np.array(transform.apply_to_point(tuple(end))) - origin
    return FLIP @ matrix @ FLIP


def dipy_syn(folder):
    from dipy.align import affine_registration, syn_registration

    template, brain = image(folder, "template"), image(folder, "stripped")
    fixed, moving = array(folder, "template"), array(folder, "stripped")
    places = {"moving_affine": brain.affine, "static_affine": template.affine}
    with Clock() as clock:
        _, affine = affine_registration(
            moving,
            fixed,
            level_iters=[1000, 300, 50],
            sigmas=[3.0, 1.0, 0.0],
            factors=[4, 2, 1],
            metric="MI",
            sampling_proportion=20,
            **places,
        )
        _, mapping = syn_registration(
            moving, fixed, metric="CC", level_iters=[10, 10, 5], prealign=affine, **places
        )
    grid, to_mm = np.indices(moving.shape, dtype=np.float32), brain.affine
    found = [  # an image of each coordinate, moved like the brain
        mapping.transform(np.tensordot(row[:3], grid, 1).astype(np.float32) + np.float32(row[3]))
        for row in to_mm[:3]
    ]
    voxels = np.load(folder / "points.npy") - template.affine[:3, 3]
    index = tuple(np.rint(voxels / np.diag(template.affine)[:3]).astype(int).T)
    return clock, np.stack([values[index] for values in found], axis=-1), 1


def dipy_hmrf(folder):
    from dipy.segment.tissue import TissueClassifierHMRF

    brain, healthy = array(folder, "stripped"), array(folder, "healthy") > 0
    places = np.argwhere(healthy)
    box = tuple(slice(a, b + 1) for a, b in zip(places.min(0), places.max(0), strict=True))
    # Its background class needs a variance, or all it returns is NaN.
    noise = np.random.default_rng(0).normal(0, 0.01 * brain.max(), brain.shape)
    values = np.where(healthy, brain, np.abs(noise))[box]
    with Clock() as clock:
        _, _, shares = TissueClassifierHMRF(verbose=False).classify(values, 3, 0.1, max_iter=20)
    result = np.zeros((3, *brain.shape), dtype=np.float32)
    result[(slice(None), *box)] = np.moveaxis(shares, -1, 0)[-3:]
    return clock, result, 1


def dipy_mppca(folder):
    from dipy.denoise.localpca import mppca

    series, mask = array(folder, "rest"), array(folder, "dwi_brain") > 0
    middle = series.shape[2] // 2
    part = slice(middle - SLICES // 2, middle + SLICES // 2)
    with Clock() as clock:
        denoised = mppca(series[:, :, part], mask=mask[:, :, part], patch_radius=2)
    result = np.full_like(series, np.nan)
    result[:, :, part.start + RIM : part.stop - RIM] = denoised[:, :, RIM:-RIM]
    return clock, result, mask.sum() / mask[:, :, part].sum()


def dipy_motion(folder):
    from dipy.align import affine_registration

    series, affine, found = array(folder, "moved"), image(folder, "moved").affine, {}
    with Clock() as clock:
        for volume in moved_volumes(folder):
            _, found[volume] = affine_registration(
                series[..., volume], series[..., 0], moving_affine=affine, static_affine=affine
            )
    return clock, *matrices_of(found, series.shape[3])


def dipy_tensor(folder):
    from dipy.reconst.dti import TensorModel

    series, mask = array(folder, "denoised"), array(folder, "dwi_brain") > 0
    with Clock() as clock:
        fa = TensorModel(gradients(folder), fit_method="WLS").fit(series, mask=mask).fa
    return clock, np.where(mask, fa, 0), 1


def mrtrix(folder, *commands):
    """Run commands of MRtrix, each a list of words, in the folder."""
    with Clock() as clock:
        for command in commands:
            words = [*command, "-nthreads", "2", "-force", "-quiet"]
            subprocess.run(words, cwd=folder, check=True)
    return clock


def mrtrix_denoise(folder):
    words = ["dwidenoise", "rest.nii", "mrtrix_denoised.nii", "-mask", "dwi_brain.nii"]
    return mrtrix(folder, words), array(folder, "mrtrix_denoised"), 1


def mrtrix_tensor(folder):
    mask = ["-mask", "dwi_brain.nii"]
    table = ["-fslgrad", "dwi.bvec", "dwi.bval"]
    clock = mrtrix(
        folder,
        ["dwi2tensor", "denoised.nii", "mrtrix_tensor.nii", *mask, *table],
        ["tensor2metric", "mrtrix_tensor.nii", "-fa", "fa.nii", "-adc", "md.nii", *mask],
    )
    return clock, array(folder, "fa"), 1


COMMANDS = (
    ants_n4,
    ants_syn,
    ants_syn_masked,
    ants_atropos,
    ants_motion,
    ants_bold,
    dipy_syn,
    dipy_hmrf,
    dipy_mppca,
    dipy_motion,
    dipy_tensor,
    mrtrix_denoise,
    mrtrix_tensor,
)


def measure(words):
    """Run a program; its wall and processor seconds, and the peak memory of a process of it.

    From here, because a process counts the memory of the one that started it.
    """
    with Clock() as clock:
        subprocess.run(words, check=True, stdout=sys.stderr)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = used.ru_utime + used.ru_stime
    return {"seconds": clock.seconds, "CPU s": processor, "GiB": used.ru_maxrss / 2**20}


def main():
    name = sys.argv[1]
    if name == "measure":
        print(json.dumps(measure(sys.argv[2:])))
        return
    folder = Path(sys.argv[2])
    clock, result, scale = {command.__name__: command for command in COMMANDS}[name](folder)
    np.save(folder / f"{name}.npy", np.asarray(result, dtype=np.float32))
    print(json.dumps({"seconds": clock.seconds * scale, "scale": float(scale)}))


if __name__ == "__main__":
    main()
