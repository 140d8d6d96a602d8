"""Anatomy of one participant: from a head image to masks, tissue maps and the standard space."""

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.levels.participant.anatomy.contrasts import place_contrasts, save_contrasts
from motor_bids_app.levels.participant.anatomy.files import (
    Anatomy,
    coarse_grid,
    save_images,
    save_transforms,
)
from motor_bids_app.levels.participant.anatomy.finished import TakenAnatomy, take_anatomy
from motor_bids_app.levels.participant.lesion import (
    Lesion,
    drawn_lesion,
    given_lesion,
    lesion_in_head,
    save_lesion_figure,
)
from motor_bids_app.levels.participant.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.mri.anatomy import correct_bias, denoise, reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.quality import anatomical_quality, registration_quality
from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.mri.repeats import average_runs
from motor_bids_app.mri.resampling import invert
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.reports.participant import checks
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

FINISHED = ("head", "brain", "tissue", "transform")  # what a derivative may have done already
_COMPUTED = {
    "denoise": "head", "bias": "head", "brain_mask": "brain", "registration": "transform",
    "tissue": "tissue",
}  # fmt: skip
_UNCOVERED = 0.05  # share of the template; whole brains lack 1 to 2 % of it


def preprocess_anatomy(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save the anatomical derivatives of a participant who has a T1w, T2w or FLAIR image."""
    assert scan.anatomy is not None
    source, contrast = scan.anatomy
    raw, sources, notes = _average(source, scan)
    finished = scan.finished
    head, noisy = (raw, raw) if finished.head else _correct(raw, settings)
    taken = take_anatomy(finished, head)
    brain = taken.brain or extract_brain(head)
    contrasts = place_contrasts(scan, head, brain, sloppy=settings.sloppy)
    datasets = {name: finished.datasets[name] for name in FINISHED if name in finished.datasets}
    facts = Facts(methods=anatomical_methods(scan), notes=notes, taken=datasets)
    drawn = drawn_lesion(scan, source, head, contrasts)
    if scan.lesion is not None and "transform" in datasets:
        facts.notes.append(
            f"The registration to the template is that of {datasets['transform']}: whether it left "
            "the lesion out is not known here. Look at it near the lesion."
        )
    if drawn is not None:  # a mask that misses the brain would also spoil the registration
        facts.add(drawn.measure(brain))
    lesion, to_template, to_native = _register(scan, head, brain, drawn, taken, settings)
    mask = lesion.native if lesion else None
    # In T1w brightness tells the tissues apart, with any ventricles; elsewhere the template does.
    known = None if contrast == "T1w" else to_native
    tissue = taken.tissue_outside(mask) or segment_tissue(head, brain, mask, known)
    if lesion is not None and drawn is None:
        facts.add(lesion.measure(brain))

    images = Anatomy(head, brain, tissue, lesion)
    save_images(images, sources, to_template, scan, outputs)
    save_contrasts(contrasts, head, contrast, to_template, outputs)
    origin = finished.transform or source
    save_transforms(to_template, to_native, head, contrast, origin, outputs)
    _draw(images, None if finished.head else raw, contrast, outputs)
    facts.add(_measure(noisy, tissue, contrast, outputs))
    outputs.save_facts("anat", facts)


def _register(
    scan: Scan,
    head: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    drawn: Lesion | None,
    taken: TakenAnatomy,
    settings: ProcessingSettings,
) -> tuple[Lesion | None, Transform, Transform]:
    """Register the head around its lesion; return the lesion and the ways to template and back.

    Where in the head a lesion of the standard space is, a first rough registration tells.
    """
    given, grid = given_lesion(scan), coarse_grid(head)
    lesion = drawn
    if given is not None and scan.lesion is not None and taken.transform is None:
        rough = register_to_template(head, brain, sloppy=True).transform
        lesion = lesion_in_head(given, scan.lesion.path, head, invert(rough, grid))
    mask = lesion.native if lesion else None
    to_template = taken.transform or (
        register_to_template(head, brain, mask, sloppy=settings.sloppy).transform
    )
    to_native = invert(to_template, grid)
    if given is not None and scan.lesion is not None:
        lesion = lesion_in_head(given, scan.lesion.path, head, to_native)
    return lesion, to_template, to_native


def _draw(images: Anatomy, raw: nib.Nifti1Image | None, contrast: str, outputs: Outputs) -> None:
    """Draw what a person should check; `raw` is the head before its bias was corrected here."""
    mask = images.lesion.native if images.lesion else None
    outputs.save_figure(checks.brain_mask(images.head, images.brain, mask))
    if raw is not None:
        outputs.save_figure(checks.bias_field(raw, images.head, images.brain))
    outputs.save_figure(checks.tissue(images.head, images.tissue, images.brain))
    if mask is not None:
        outputs.save_figure(checks.lesion_native(images.head, mask, images.brain))
    _save_standard_figures(outputs, contrast)


def _correct(
    raw: nib.Nifti1Image, settings: ProcessingSettings
) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Return the head without noise and bias, and with its noise, by which quality is measured."""
    smooth = denoise(raw)
    head = correct_bias(smooth, mask=None, sloppy=settings.sloppy)
    values, known = (np.asarray(image.dataobj) for image in (head, smooth))
    gain = np.divide(values, known, out=np.ones_like(values), where=known != 0)
    return head, nib.Nifti1Image(np.asarray(raw.dataobj) * gain, head.affine, head.header)


def _measure(
    head: nib.Nifti1Image,
    tissue: Mapping[str, nib.Nifti1Image],
    contrast: str,
    outputs: Outputs,
) -> Facts:
    """Return the quality measures, and what to say about them."""
    notes: list[str] = []
    quality = _registration_quality(outputs, contrast)
    try:
        quality |= anatomical_quality(head, tissue)
    except EmptyRegionError as error:  # T2w and FLAIR may have no voxel that is clearly one tissue
        notes.append(str(error))
    missing = 1 - quality["brain_coverage"]
    if missing > _UNCOVERED:
        notes.append(
            f"{100 * missing:.0f} % of the template's brain is not in the image or not in its "
            "brain mask. Look at the brain mask and the registration: regions there are not whole."
        )
    return Facts(quality=quality, notes=notes)


def anatomical_methods(scan: Scan) -> list[str]:
    """Names of the steps that no finished derivative answers."""
    assert scan.anatomy is not None
    there = scan.finished.datasets
    methods = ["reorient", *(name for name, piece in _COMPUTED.items() if piece not in there)]
    if scan.repeats and not scan.finished.head:
        methods.append("average")
    if any(scan.image(name) for name in ANATOMY if name != scan.anatomy[1]):
        methods.append("contrasts")
    if scan.lesion is not None:
        methods += ["standard_lesion"] if scan.lesion.is_standard else []
        methods += ["lesion_weighting"] if "transform" not in there else []
    return methods


def _average(source: Path, scan: Scan) -> tuple[nib.Nifti1Image, list[Path], list[str]]:
    """Return the head image, the runs it was made of, and what to say about them."""
    paths = [source] if scan.finished.head else [source, *scan.repeats]
    images = [reorient(load_image(path)) for path in paths]
    if len(images) == 1:
        return images[0], paths, []
    image, used = average_runs(images)
    notes = [f"{len(used)} of {len(paths)} runs of the head image were averaged."]
    left_out = [path.name for i, path in enumerate(paths) if i not in used]
    if left_out:
        notes.append(f"Unlike the other runs, and left out: {', '.join(left_out)}.")
    return image, [paths[i] for i in used], notes


def _save_standard_figures(outputs: Outputs, contrast: str) -> None:
    """Draw what was saved in the standard space."""
    warped = outputs.load(contrast, "anat", desc="preproc", standard=True)
    path = outputs.path("mask", "anat", label="L", standard=True)
    lesion = load_image(path) if path in outputs.written else None
    template = {kind: load_template(kind, RESOLUTION) for kind in ("T1w", "WM", "brain")}
    outputs.save_figure(
        checks.registration(
            warped,
            template["T1w"],
            brain=template["brain"],
            white_matter=template["WM"],
            lesion=lesion,
        )
    )
    if lesion is not None:
        save_lesion_figure(warped, lesion, outputs)


def _registration_quality(outputs: Outputs, contrast: str) -> dict[str, float]:
    path = outputs.path("mask", "anat", label="L", standard=True)
    return registration_quality(
        outputs.load(contrast, "anat", desc="preproc", standard=True),
        outputs.load("mask", "anat", desc="brain", standard=True),
        load_template("T1w", RESOLUTION),
        load_template("brain", RESOLUTION),
        load_image(path) if path in outputs.written else None,
    )
