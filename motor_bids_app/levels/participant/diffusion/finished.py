"""Diffusion that another tool has finished: its series fitted, or its maps, placed by the head."""

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.tsv import numeric_column, read_table
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.diffusion.files import MAP_UNITS
from motor_bids_app.levels.participant.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.diffusion.gradients import parse_gradients
from motor_bids_app.mri.diffusion.tensor import fit_tensor
from motor_bids_app.mri.quality import motion_summary
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.mri.resampling import resample, resample_inside
from motor_bids_app.mri.units import DIFFUSIVITIES, diffusivity_factor
from motor_bids_app.opening import read_text
from motor_bids_app.reports.participant import checks
from motor_bids_app.spaces.grids import Grid, check_same_grid, standard_grid
from motor_bids_app.spaces.transforms import Transform


def take_diffusion(scan: Scan, outputs: Outputs) -> None:
    """Save tensor maps, native and in standard space, from finished maps or a finished series.

    Raises
    ------
    DataError
        There is no head to place them by, or the maps are in no known unit.
    """
    if scan.finished.maps:
        _take_maps(scan, outputs)
    else:
        _take_series(scan, outputs)


def _take_maps(scan: Scan, outputs: Outputs) -> None:
    finished = scan.finished
    maps = {name: _finite(load_image(path), path) for name, path in finished.maps.items()}
    check_same_grid(next(iter(maps.values())), **maps)
    factor = diffusivity_factor(maps)
    for name in maps.keys() & set(DIFFUSIVITIES):
        scaled = np.asarray(maps[name].dataobj) * np.float32(factor)
        maps[name] = nib.Nifti1Image(scaled, maps[name].affine)
    first = maps["fa"] if "fa" in maps else next(iter(maps.values()))
    methods: list[str] = []
    if finished.maps_standard:
        from_standard = Transform()
    else:
        matrix = _place(first, finished.maps_head, scan, outputs)
        from_standard = outputs.load_transform().then(matrix)
        methods.append("finished_coregistration")
    measured = np.any([np.asarray(image.dataobj) > 0 for image in maps.values()], axis=0)
    brain = nib.Nifti1Image(measured.astype(np.uint8), first.affine)
    sources = {name: [path] for name, path in finished.maps.items()}
    _save_maps(maps, sources, brain, from_standard, outputs, native=not finished.maps_standard)
    outputs.save_figure(checks.tensor_maps(maps, brain))
    notes = []
    if factor != 1:
        notes.append(
            f"The diffusivities of {finished.datasets['maps']} were turned into mm2/s "
            f"(times {factor:g})."
        )
    taken, warnings = {"maps": finished.datasets["maps"]}, _without_lesion(scan, outputs)
    facts = Facts(methods=methods, notes=notes, warnings=warnings, taken=taken)
    outputs.save_facts("dwi", facts)


def _without_lesion(scan: Scan, outputs: Outputs) -> list[str]:
    """Say that a mask of the person's own space has no head to lead it to the standard space."""
    if outputs.head is not None or scan.lesion is None or scan.lesion.is_standard:
        return []
    return [
        f"{scan.lesion.path.name} was left out: no head image was processed that leads from the "
        f"{scan.lesion.image} to the standard space. The maps were measured as if the brain were "
        "intact."
    ]


def _take_series(scan: Scan, outputs: Outputs) -> None:
    finished = scan.finished
    assert finished.dwi is not None
    assert finished.bval is not None
    assert finished.bvec is not None
    series = load_image(finished.dwi)
    gradients = parse_gradients(read_text(finished.bval), read_text(finished.bvec))
    if series.ndim != 4:
        raise DataError(f"{finished.dwi} has {series.ndim} axes instead of 4: it is no series.")
    gradients.check(series.shape[3])
    gradients.check_tensor()
    data = np.nan_to_num(np.asarray(series.dataobj, dtype=np.float32))
    b0 = nib.Nifti1Image(data[..., gradients.is_b0].mean(axis=3), series.affine)
    matrix = _place(b0, finished.dwi_head, scan, outputs)
    brain = _brain_of(b0, finished.dwi_brain, matrix, outputs)
    fitted = fit_tensor(data, gradients, np.asarray(brain.dataobj))
    maps = {name: nib.Nifti1Image(fitted[name], series.affine) for name in MAP_UNITS}
    sources = [finished.dwi, finished.bval, finished.bvec]
    from_standard = outputs.load_transform().then(matrix)
    _save_maps(maps, dict.fromkeys(maps, sources), brain, from_standard, outputs, native=True)
    path = outputs.path("mask", "dwi", desc="brain")
    outputs.save(brain, path, [finished.dwi_brain or finished.dwi], Type="Brain")
    outputs.save_figure(checks.tensor_maps(maps, brain))
    facts = Facts(
        methods=["tensor", "finished_coregistration"],
        quality=_motion(finished.dwi),
        taken={"dwi": finished.datasets["dwi"]},
    )
    outputs.save_facts("dwi", facts)


def _place(image: nib.Nifti1Image, reference: Path | None, scan: Scan, outputs: Outputs) -> Matrix:
    """Return the matrix from points of our head to those of a diffusion image, in mm.

    The tool has aligned the image with a head of its own (`reference`), which need not lie as
    ours does; without one the image itself is matched.
    """
    if outputs.head is None:
        raise DataError(
            f"{outputs.prefix}: there is no head image by which finished diffusion images could be "
            "placed. See the anat step, or leave this derivative out."
        )
    head = load_image(outputs.head)
    head_brain = outputs.load("mask", "anat", desc="brain")
    if reference is not None and reference == scan.finished.head:
        matrix: Matrix = np.eye(4)
    else:
        moving = reorient(load_image(reference)) if reference else image
        matrix = register_rigid(head, moving, head_brain)
    shown = resample(image, Grid.of(head), Transform(matrix=matrix))
    white_matter = outputs.load("probseg", "anat", label="WM")
    what = "FA" if scan.finished.maps else "b = 0"
    outputs.save_figure(checks.coregistration(shown, head, white_matter, head_brain, what=what))
    return matrix


def _brain_of(
    b0: nib.Nifti1Image, mask: Path | None, matrix: Matrix, outputs: Outputs
) -> nib.Nifti1Image:
    """Brain on the grid of the series: the tool's own mask, else that of the head."""
    if mask is not None:
        moved = resample(load_image(mask), Grid.of(b0))
    else:
        brain = outputs.load("mask", "anat", desc="brain")
        to_head = np.linalg.inv(matrix).astype(np.float64)
        moved = resample(brain, Grid.of(b0), Transform(matrix=to_head))
    inside = (np.asarray(moved.dataobj) > 0.5) & (np.asarray(b0.dataobj) > 0)
    return nib.Nifti1Image(inside.astype(np.uint8), b0.affine)


def _save_maps(
    maps: Mapping[str, nib.Nifti1Image],
    sources: Mapping[str, list[Path]],
    measured: nib.Nifti1Image,
    from_standard: Transform,
    outputs: Outputs,
    *,
    native: bool,
) -> None:
    for name, image in maps.items():
        entities = {"model": "tensor", "param": name}
        sidecar = {"Model": {"Description": "Diffusion tensor"}, "Units": MAP_UNITS[name]}
        if native:
            path = outputs.path("dwimap", "dwi", **entities)
            outputs.save(image, path, sources[name], **sidecar)
        moved = resample_inside(image, measured, standard_grid(RESOLUTION), from_standard)
        path = outputs.path("dwimap", "dwi", **entities, standard=True)
        outputs.save(moved, path, sources[name], **sidecar)


def _motion(dwi: Path) -> dict[str, float]:
    """Framewise displacement that the tool wrote beside its series."""
    prefix = dwi.name.split("_space-")[0].split("_desc-")[0]
    names = (f"{prefix}_desc-confounds_timeseries.tsv", f"{prefix}_confounds.tsv")
    path = next((dwi.parent / name for name in names if (dwi.parent / name).is_file()), None)
    if path is None:
        return {}
    table = read_table(path)
    if "framewise_displacement" not in table or len(table) < 2:
        return {}
    moved = numeric_column(table, "framewise_displacement", path).fillna(0).to_numpy()
    summary = motion_summary(np.zeros((len(moved), 6)), moved)
    return {
        name: value
        for name, value in summary.items()
        if "_max_t" not in name and "_max_r" not in name
    }


def _finite(image: nib.Nifti1Image, path: Path) -> nib.Nifti1Image:
    if image.shape[3:] not in ((), (1,)):
        raise DataError(
            f"{path} has the shape {image.shape} instead of three axes: it is no map of one value. "
            "Leave it out of this derivative."
        )
    values = np.nan_to_num(np.asarray(image.dataobj, dtype=np.float32), posinf=0, neginf=0)
    return nib.Nifti1Image(values.reshape(image.shape[:3]), image.affine)
