"""Write a synthetic stroke cohort as a BIDS dataset, with the truth beside it."""

import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.bids.files import save_image, write_json, write_text
from motor_bids_app.bids.paths import TRUTH, DerivativePath
from motor_bids_app.engine import map_unordered
from motor_bids_app.errors import OutputError
from motor_bids_app.levels.simulate.dataset import SimulationSettings, write_dataset_files
from motor_bids_app.levels.simulate.recordings import write_recording
from motor_bids_app.settings import STANDARD_SPACE, Resources
from motor_bids_app.simulation.anatomy import Scanner, T1wScan, draw_scanner, scan_t1w
from motor_bids_app.simulation.deformation import FIELD_RESOLUTION, Shape, draw_rigid, draw_shape
from motor_bids_app.simulation.diffusion import DwiScan, scan_dwi
from motor_bids_app.simulation.electrophysiology import record
from motor_bids_app.simulation.functional import REPETITION, BoldScan, scan_bold
from motor_bids_app.simulation.people import Person, draw_cohort
from motor_bids_app.simulation.sampling import grid_points
from motor_bids_app.simulation.tensors import tensor_field
from motor_bids_app.spaces.grids import Grid, standard_grid

log = logging.getLogger(__name__)
# Streams of random numbers.
_SHAPE, _SCAN, _SITE, _TENSORS, _BOLD, _SIGNALS = range(11, 17)
_DWI_NOISE, _BOLD_NOISE = 1.3, 0.5  # relative to that of the T1w image


def run(settings: SimulationSettings) -> None:
    """Simulate the cohort; the same settings give the same bytes, with any number of processes.

    Raises
    ------
    OutputError
        The output folder has something in it, or cannot be written.
    """
    if settings.output_dir.exists() and any(settings.output_dir.iterdir()):
        raise OutputError(
            f"{settings.output_dir} is not empty: choose a new folder, or remove what is there."
        )
    people = draw_cohort(
        settings.n_participants,
        settings.n_controls,
        settings.seed,
        n_sites=settings.n_sites,
        n_sessions=settings.n_sessions,
        shuffle_scores=settings.shuffle_scores,
        physiology_share=settings.physiology_share,
        recovery=settings.recovery,
    )
    write_dataset_files(people, settings)
    if settings.modalities:
        work = partial(simulate_person, settings=settings)
        resources = Resources(n_procs=settings.n_procs)
        for count, (person, died) in enumerate(map_unordered(work, people, resources), start=1):
            if died is not None:
                raise died
            log.info("sub-%s simulated (%d of %d)", person.label, count, len(people))


@dataclass(frozen=True)
class _Visit:
    """One person's session: where its files go, and how it is scanned.

    `number` counts the sessions from 0.
    """

    person: Person
    number: int
    settings: SimulationSettings

    @property
    def session(self) -> str | None:
        """Its label; None where there is one session."""
        return self.settings.sessions[self.number] or None

    @property
    def dataset(self) -> Path:
        """Folder of the dataset."""
        return self.settings.output_dir

    def stream(self, purpose: int, *numbers: int) -> np.random.Generator:
        """Random numbers for one purpose."""
        return _generator(self.settings.seed, purpose, *numbers)

    def path(
        self,
        folder: str,
        datatype: str,
        suffix: str,
        extension: str = ".nii.gz",
        *,
        label: str | None = None,
        desc: str | None = None,
        space: str | None = None,
        task: str | None = None,
    ) -> Path:
        """Place of a file; `folder` is relative to the dataset."""
        name = DerivativePath(
            sub=self.person.label,
            ses=self.session,
            task=task,
            space=space,
            label=label,
            desc=desc,
            datatype=datatype,
            suffix=suffix,
            extension=extension,
        )
        return self.dataset / folder / str(name)


def simulate_person(person: Person, settings: SimulationSettings) -> None:
    """Write all scans of one person, and their truth."""
    torch.set_num_threads(1)  # sums depend on the number of threads
    shape = draw_shape(_generator(settings.seed, _SHAPE, person.number))
    for number in range(settings.n_sessions):
        visit = _Visit(person, number, settings)
        rng = visit.stream(_SCAN, person.number, number)
        pose = draw_rigid(rng, degrees=5, millimetres=5) if number else np.eye(4)
        _scan_head(replace(shape, matrix=pose @ shape.matrix), visit, rng)
        if settings.signals:
            recording = record(
                person.capacity[number],
                person.lesion_side,
                seconds=settings.signal_seconds,
                rate=settings.signal_rate,
                rng=visit.stream(_SIGNALS, person.number, number),
            )
            write_recording(recording, settings, visit.path)


def _scan_head(shape: Shape, visit: _Visit, rng: np.random.Generator) -> None:
    """Write the images of a session, whose heads are `shape` where they lie at rest."""
    person, settings = visit.person, visit.settings
    scanner = draw_scanner(visit.stream(_SITE, person.site))
    if "anat" in settings.modalities:
        scan = scan_t1w(shape, person.lesion, scanner, settings.voxel_size, rng)
        _write_t1w(scan, shape, visit)
    if "dwi" in settings.modalities:
        tensors = visit.stream(_TENSORS, person.number)
        dwi = scan_dwi(
            shape,
            tensor_field(person.lesion, person.damage, tensors),
            noise=_DWI_NOISE * scanner.noise,
            rng=rng,
            voxel_size=max(2.0, settings.voxel_size),
            n_directions=settings.n_directions,
        )
        _write_dwi(dwi, visit, scanner)
    if "bold" in settings.modalities:
        bold = scan_bold(
            shape,
            person.lesion,
            person.damage.degeneration,
            noise=_BOLD_NOISE * scanner.noise,
            n_volumes=settings.n_volumes,
            rng=visit.stream(_BOLD, person.number, visit.number),
            coarse=max(1, settings.voxel_size / 3),
        )
        _write_bold(bold, visit)


def _generator(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)


def _write_t1w(scan: T1wScan, shape: Shape, visit: _Visit) -> None:
    sidecar = {
        "MagneticFieldStrength": 3,
        "InstitutionName": f"Simulated site {visit.person.site + 1}",
    }
    save_image(_image(scan.image, scan.grid), visit.path("", "anat", "T1w"), sidecar)
    if visit.person.lesion is not None:
        mask = visit.path("derivatives/lesions", "anat", "mask", label="L")
        save_image(_image(scan.lesion, scan.grid), mask, _lesion_sidecar(visit))
    for label, share in {"GM": scan.grey, "WM": scan.white}.items():
        save_image(_share(share, scan.grid), visit.path(TRUTH, "anat", "probseg", label=label))
    for desc, region in {"brain": scan.brain, "lesion": scan.lesion}.items():
        save_image(_image(region, scan.grid), visit.path(TRUTH, "anat", "mask", desc=desc))
    grid = standard_grid(FIELD_RESOLUTION)
    points = shape.to_scanner(grid_points(grid)).reshape(*grid.shape, 3).astype(np.float32)
    path = visit.path(TRUTH, "anat", "points", space=STANDARD_SPACE)
    save_image(
        _image(points, grid),
        path,
        {
            "Description": "Where each voxel of the standard space is in the T1w scan: mm (RAS)",
        },
    )


def _lesion_sidecar(visit: _Visit) -> dict[str, object]:
    t1w = visit.path("", "anat", "T1w").relative_to(visit.dataset)
    return {
        "Type": "Lesion",
        "SpatialReference": "orig",
        "Sources": [f"bids:raw:{t1w}"],
    }


def _write_dwi(scan: DwiScan, visit: _Visit, scanner: Scanner) -> None:
    sidecar = {
        "MagneticFieldStrength": 3,
        "InstitutionName": f"Simulated site {visit.person.site + 1}",
        "PhaseEncodingDirection": "j-",
        "TotalReadoutTime": 0.05,
    }
    save_image(_image(scan.image, scan.grid), visit.path("", "dwi", "dwi"), sidecar)
    b_values = " ".join(f"{value:.0f}" for value in scan.b_values)
    write_text(visit.path("", "dwi", "dwi", ".bval"), b_values + "\n")
    vectors = fsl_vectors(scan.directions, scan.grid.affine)
    rows = [" ".join(f"{value:.6f}" for value in row) for row in vectors.T]
    write_text(visit.path("", "dwi", "dwi", ".bvec"), "\n".join(rows) + "\n")
    save_image(_image(scan.fa, scan.grid), visit.path(TRUTH, "dwi", "dwimap", desc="fa"))
    save_image(
        _image(scan.md, scan.grid),
        visit.path(TRUTH, "dwi", "dwimap", desc="md"),
        {"Units": "mm2/s"},
    )
    save_image(_image(scan.brain, scan.grid), visit.path(TRUTH, "dwi", "mask", desc="brain"))
    write_json(
        visit.path(TRUTH, "dwi", "motion", ".json"),
        {
            "Description": "Matrices in mm (RAS): head at rest to head in each volume; and the "
            "world of the dwi to that of the T1w scan, head at rest",
            "Volumes": scan.motion,
            "DwiToT1w": scan.to_t1w,
            "NoiseSigma": _DWI_NOISE * scanner.noise,
        },
    )


def _write_bold(scan: BoldScan, visit: _Visit) -> None:
    image = _image(scan.image, scan.grid)
    image.header.set_zooms((*image.header.get_zooms()[:3], REPETITION))
    save_image(
        image,
        visit.path("", "func", "bold", task="rest"),
        {
            "TaskName": "rest",
            "RepetitionTime": REPETITION,
            "SliceTiming": scan.slice_times,
            "EchoTime": 0.03,
            "MagneticFieldStrength": 3,
            "PhaseEncodingDirection": "j-",
            "InstitutionName": f"Simulated site {visit.person.site + 1}",
        },
    )
    write_json(
        visit.path(TRUTH, "func", "motion", ".json", task="rest"),
        {
            "Description": "Matrices in mm (RAS): head at rest to head in each volume; and the "
            "world of the bold to that of the T1w scan, head at rest. Whether left and right M1 "
            "are coupled in each volume, and their correlation in either state",
            "Volumes": scan.motion,
            "BoldToT1w": scan.to_t1w,
            "Coupled": scan.coupled,
            "Coupling": scan.coupling,
        },
    )


def fsl_vectors(
    directions: NDArray[np.float64], affine: NDArray[np.float64]
) -> NDArray[np.float64]:
    """World directions, shape (N, 3), in the convention of FSL and BIDS bvec files.

    Those are along the image's voxel axes, the first one reversed where the affine has a
    positive determinant ("neurological" storage), as it has here. This is written apart from
    the code that reads bvec files, so that a mistake there shows.
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    vectors = directions @ axes
    if np.linalg.det(axes) > 0:
        vectors = vectors * [-1, 1, 1]
    return vectors + 0.0  # no "-0" in the file


def _image(values: NDArray[np.generic], grid: Grid) -> nib.Nifti1Image:
    values = values.astype(np.uint8) if values.dtype == bool else values
    image = nib.Nifti1Image(values, grid.affine)
    image.set_sform(grid.affine, code="scanner")
    image.set_qform(grid.affine, code="scanner")
    image.header.set_xyzt_units("mm", "sec")
    return image


def _share(values: NDArray[np.float32], grid: Grid) -> nib.Nifti1Image:
    """Image of values from 0 to 1, in steps of 1/250 to save space."""
    image = _image(np.round(250 * values).astype(np.uint8), grid)
    image.header.set_slope_inter(1 / 250, 0)
    return image
