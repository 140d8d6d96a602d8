"""Derivatives of the diffusion series of one participant: names, sidecars, tables."""

from collections.abc import Mapping
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import write_table, write_text
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.diffusion.clean import Clean, Denoising
from motor_bids_app.levels.participant.diffusion.place import Place
from motor_bids_app.levels.participant.diffusion.preprocess import Preprocessed
from motor_bids_app.levels.participant.diffusion.read import Head, Series
from motor_bids_app.levels.participant.diffusion.susceptibility import Distortion
from motor_bids_app.levels.participant.lesion import lesion_sidecar
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.diffusion.outliers import outlier_volumes
from motor_bids_app.mri.quality import HIGH_MOTION
from motor_bids_app.mri.resampling import resample, resample_inside
from motor_bids_app.reports.participant import checks, distortion_checks, tensor_checks
from motor_bids_app.reports.participant.motion import motion_chart
from motor_bids_app.spaces.grids import Grid, image_like, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

# Maps of diffusion, which go to the standard space too.
MAP_UNITS = {"fa": "arbitrary", "md": "mm^2/s", "rd": "mm^2/s", "ad": "mm^2/s"}
_NATIVE_MAPS = {
    "s0": "Signal without diffusion weighting",
    "rmse": "Root mean square of the signals less those of the tensor",
    "decfa": "Fractional anisotropy times the size of each component of the principal direction: "
    "right-left, front-back, up-down (red, green, blue)",
}
_MODELS = {
    "tensor": "Diffusion tensor, fitted by weighted least squares",
    "trace": "Mean over the weighted volumes of the fall of the log signal over the b-value",
}
_CONFOUNDS: dict[str, dict[str, Any]] = {
    **{
        f"{kind}_{axis}": {"Description": f"{kind} of the head, axis {axis}", "Units": unit}
        for kind, unit in (("trans", "mm"), ("rot", "deg"))
        for axis in "xyz"
    },
    "framewise_displacement": {
        "Description": "Movement since the volume before, rotations on a sphere of 50 mm",
        "Units": "mm",
    },
    "outlier_slices": {
        "Description": "Slices that lost their signal; they do not count in the tensor",
        "Units": "arbitrary",
    },
    "outlier_volume": {
        "Description": "Whether the volume lost more than a tenth of its slices",
        "Levels": {"0": "no", "1": "yes"},
    },
}


def save_preprocessed(result: Preprocessed, series: Series, scan: Scan, outputs: Outputs) -> None:
    """Save all that became of a series: derivatives, figures, facts."""
    clean, place, sources = result.clean, result.place, series.sources
    if clean.denoising is not None:
        _save_denoising(clean.denoising, series, outputs)
    _save_place(result.distortion.after, place, series.head, scan, outputs)
    if result.distortion.shift is not None:
        _save_distortion(result.distortion, place, series, scan, outputs)
    _save_series(clean, series, outputs)
    outputs.save(place.brain, outputs.path("mask", "dwi", desc="brain"), sources, Type="Brain")
    _save_maps(result.maps, series, place.from_standard, outputs)
    if clean.sigma is not None:
        path = outputs.path("dwimap", "dwi", desc="noise")
        outputs.save(image_like(clean.sigma, series.image), path, sources, Units="arbitrary")
    _draw(result, outputs)
    outputs.save_facts("dwi", result.facts)


def _save_denoising(denoising: Denoising, series: Series, outputs: Outputs) -> None:
    """Save the root mean square of what denoising took away, and a volume before and after."""
    arrays, like = (denoising.before, denoising.after, denoising.removed), series.image
    before, after, removed = (image_like(array, like) for array in arrays)
    brain = image_like(denoising.brain.astype(np.float32), like)
    sidecar = {"Units": "arbitrary", "Description": "Root mean square of what denoising took away"}
    outputs.save(removed, outputs.path("dwimap", "dwi", desc="residual"), series.sources, **sidecar)
    outputs.save_figure(checks.denoising(before, after, brain, removed))


def _save_place(
    b0: nib.Nifti1Image, place: Place, head: Head | None, scan: Scan, outputs: Outputs
) -> None:
    """Save the picture of the mean b0 volume on the head, or on the template without one."""
    if head is not None and place.from_head is not None:
        shown = resample(b0, Grid.of(head.image), Transform(matrix=place.from_head))
        figure = checks.coregistration(shown, head.image, head.white_matter, head.brain)
        outputs.save_figure(figure)
        return
    if place.lesion is not None and scan.lesion is not None:
        path = outputs.path("mask", "anat", label="L", standard=True)
        outputs.save(place.lesion, path, scan.lesion.paths, **lesion_sidecar(scan.lesion))
    template = {kind: load_template(kind, RESOLUTION) for kind in ("T1w", "WM", "brain")}
    figure = checks.registration(
        resample(b0, standard_grid(RESOLUTION), place.from_standard),
        template["T1w"],
        brain=template["brain"],
        white_matter=template["WM"],
    )
    outputs.save_figure(figure)


def _save_distortion(
    found: Distortion, place: Place, series: Series, scan: Scan, outputs: Outputs
) -> None:
    """Save the field in mm, and the picture of its effect."""
    assert found.shift is not None
    image = image_like(found.shift, found.before)
    sources, head = [*series.sources], series.head
    if "susceptibility_pair" in found.facts.methods and scan.reverse_phase is not None:
        sources.append(scan.reverse_phase.path)
    if "susceptibility_map" in found.facts.methods and scan.field_map is not None:
        sources += [*scan.field_map.images, scan.field_map.magnitude]
    path = outputs.path("dwimap", "dwi", desc="susceptibility")
    text = f"Displacement along voxel axis {'ijk'[found.axis]} that was undone"
    outputs.save(image, path, sources, Units="mm", Description=text)
    white_matter = None
    if head is not None and place.from_head is not None:
        to_head = Transform(matrix=np.linalg.inv(place.from_head).astype(np.float64))
        white_matter = resample(head.white_matter, Grid.of(found.before), to_head)
    figure = distortion_checks.susceptibility(
        found.before, found.after, image, place.brain, white_matter
    )
    outputs.save_figure(figure)


def _save_series(clean: Clean, series: Series, outputs: Outputs) -> None:
    """Save the preprocessed series, its gradients and the table of confounds."""
    corrected, dropouts = clean.corrected, clean.dropouts
    path = outputs.path("dwi", "dwi", desc="preproc")
    image = image_like(corrected.data, series.image)
    outputs.save(image, path, [*series.sources, *series.tables], SkullStripped=False)
    for text, extension in zip(corrected.gradients.to_text(), (".bval", ".bvec"), strict=True):
        name = outputs.path("dwi", "dwi", desc="preproc", extension=extension)
        write_text(name, text)
        outputs.written.append(name)
    counts = [dropouts.sum(axis=0), outlier_volumes(dropouts)]
    table = pd.DataFrame(
        np.column_stack([corrected.parameters, corrected.framewise_displacement, *counts]),
        columns=list(_CONFOUNDS),
    )
    name = outputs.path("timeseries", "dwi", desc="confounds", extension=".tsv")
    write_table(name, table, _CONFOUNDS)
    outputs.written.extend([name, name.with_suffix(".json")])


def _save_maps(
    fitted: Mapping[str, NDArray[np.float32]],
    series: Series,
    from_standard: Transform,
    outputs: Outputs,
) -> None:
    """Save maps on the grid of the series, and those of `MAP_UNITS` on the standard grid too."""
    model = "tensor" if "fa" in fitted else "trace"
    inside = image_like((fitted["s0"] > 0).astype(np.float32), series.image)
    for name in (*MAP_UNITS, *_NATIVE_MAPS):
        if name not in fitted:
            continue
        entities = {"model": model, "param": name}
        sidecar = {
            "Model": {"Description": _MODELS[model]},
            "Units": MAP_UNITS.get(name, "arbitrary"),
        }
        if name in _NATIVE_MAPS:
            sidecar["Description"] = _NATIVE_MAPS[name]
        image = image_like(fitted[name], series.image)
        path = outputs.path("dwimap", "dwi", **entities)
        outputs.save(image, path, series.sources, **sidecar)
        if name in MAP_UNITS:
            moved = resample_inside(image, inside, standard_grid(RESOLUTION), from_standard)
            path = outputs.path("dwimap", "dwi", **entities, standard=True)
            outputs.save(moved, path, series.sources, **sidecar)


def _draw(result: Preprocessed, outputs: Outputs) -> None:
    """Save the pictures of maps and motion."""
    fitted, brain, corrected = result.maps, result.place.brain, result.clean.corrected
    maps = {name: image_like(fitted[name], brain) for name in MAP_UNITS if name in fitted}
    outputs.save_figure(tensor_checks.tensor_maps(maps, brain))
    if "rmse" in fitted:
        residual = image_like(fitted["rmse"], brain)
        outputs.save_figure(tensor_checks.tensor_residual(residual, brain))
    if "decfa" in fitted:
        outputs.save_figure(tensor_checks.colour_fa(image_like(fitted["decfa"], brain), brain))
    chart = motion_chart(corrected.parameters, corrected.framewise_displacement, limit=HIGH_MOTION)
    outputs.save_figure(chart)
