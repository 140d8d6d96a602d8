"""Anatomy of one participant: from a head image to masks, tissue maps and the standard space."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.levels.contrasts import Contrast, place_contrasts, save_contrasts
from motor_bids_app.levels.finished_anatomy import take_anatomy
from motor_bids_app.levels.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.mri.anatomy import correct_bias, denoise, reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.lesions import align_lesion
from motor_bids_app.mri.quality import anatomical_quality, registration_quality
from motor_bids_app.mri.registration import register_rigid, register_to_template
from motor_bids_app.mri.repeats import average_runs
from motor_bids_app.mri.resampling import displacement_field, invert, resample
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.reports import checks
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.atlases import corticospinal_tract
from motor_bids_app.spaces.grids import Grid, standard_grid
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
    given = _standard_lesion(scan)
    lesion = _native_lesion(scan, source, head, contrasts)
    if given is not None:  # where it is in the head, a first rough registration tells
        rough = taken.transform or register_to_template(head, brain, sloppy=True).transform
        lesion = _binary(resample(given, Grid.of(head), invert(rough, _coarse_grid(head))))
    to_template = taken.transform or (
        register_to_template(head, brain, lesion, sloppy=settings.sloppy).transform
    )
    to_native = invert(to_template, _coarse_grid(head))
    if given is not None:
        lesion = _binary(resample(given, Grid.of(head), to_native))
    # In T1w brightness tells the tissues apart, with any ventricles; elsewhere the template does.
    known = None if contrast == "T1w" else to_native
    tissue = taken.tissue_outside(lesion) or segment_tissue(head, brain, lesion, known)

    saver = _Saver(outputs, sources, to_template)
    saver.save(head, suffix=contrast, desc="preproc", brain=brain)
    saver = _Saver(outputs, [finished.brain or source], to_template)
    saver.save(brain, suffix="mask", desc="brain")
    save_contrasts(contrasts, head, contrast, to_template, outputs)
    for name, probability in tissue.items():
        saver = _Saver(outputs, [finished.tissue.get(name, source)], to_template)
        saver.save(probability, suffix="probseg", label=name)
    if lesion is not None and scan.lesion is not None:
        saver = _Saver(outputs, [*sources, scan.lesion.path], to_template)
        saver.save(lesion, suffix="mask", standard=given, label="L")
    origin = finished.transform or source
    _save_transforms(to_template, to_native, head, contrast, origin, outputs)
    outputs.save_figure(checks.brain_mask(head, brain, lesion))
    if not finished.head:
        outputs.save_figure(checks.bias_field(raw, head, brain))
    outputs.save_figure(checks.tissue(head, tissue, brain))
    if lesion is not None:
        outputs.save_figure(checks.lesion_native(head, lesion, brain))
    _save_standard_figures(outputs, contrast)
    methods = anatomical_methods(scan)
    if scan.lesion is not None:
        methods.append("standard_lesion" if scan.lesion.is_standard else "lesion_weighting")
    quality, remarks = _measure(noisy, tissue, contrast, outputs)
    datasets = {name: finished.datasets[name] for name in FINISHED if name in finished.datasets}
    facts = Facts(methods=methods, quality=quality, notes=notes + remarks, taken=datasets)
    outputs.save_facts("anat", facts)


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
) -> tuple[dict[str, float], list[str]]:
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
    return quality, notes


def anatomical_methods(scan: Scan) -> list[str]:
    """Names of the steps that no finished derivative answers."""
    assert scan.anatomy is not None
    there = scan.finished.datasets
    methods = ["reorient", *(name for name, piece in _COMPUTED.items() if piece not in there)]
    if scan.repeats and not scan.finished.head:
        methods.append("average")
    if any(scan.image(name) for name in ANATOMY if name != scan.anatomy[1]):
        methods.append("contrasts")
    return methods


def preprocess_standard_lesion(scan: Scan, outputs: Outputs) -> None:
    """Save the lesion of a participant who has nothing but a mask in standard space."""
    assert scan.lesion is not None
    mask = _standard_lesion(scan)
    assert mask is not None
    path = outputs.path("mask", "anat", label="L", standard=True)
    outputs.save(mask, path, [scan.lesion.path], Type="Lesion")
    _save_lesion_figure(load_template("T1w", RESOLUTION), mask, outputs)
    outputs.save_facts("anat", Facts(methods=["standard_lesion"]))


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


def _native_lesion(
    scan: Scan, source: Path, head: nib.Nifti1Image, contrasts: Mapping[str, Contrast]
) -> nib.Nifti1Image | None:
    """Bring a lesion drawn on any native image of this participant to the head image."""
    if scan.lesion is None or scan.lesion.is_standard:
        return None
    mask = load_image(scan.lesion.path)
    drawn_on = scan.image(scan.lesion.image) if scan.lesion.image else None
    if drawn_on is None or drawn_on == source:
        return align_lesion(mask, head)
    known = contrasts.get(scan.lesion.image or "")
    matrix = known.matrix if known else register_rigid(head, reorient(load_image(drawn_on)))
    placed = nib.Nifti1Image(np.asarray(mask.dataobj), np.linalg.inv(matrix) @ mask.affine)
    return align_lesion(placed, head)


def _standard_lesion(scan: Scan) -> nib.Nifti1Image | None:
    """A lesion that was drawn in the standard space, on its grid; None for any other."""
    if scan.lesion is None or not scan.lesion.is_standard:
        return None
    return align_lesion(load_image(scan.lesion.path), load_template("T1w", RESOLUTION))


def _binary(probability: nib.Nifti1Image) -> nib.Nifti1Image:
    inside = np.asarray(probability.dataobj) > 0.5
    return nib.Nifti1Image(inside.astype(np.uint8), probability.affine)


def _save_transforms(
    to_template: Transform,
    to_native: Transform,
    head: nib.Nifti1Image,
    contrast: str,
    source: Path,
    outputs: Outputs,
) -> None:
    """Save both directions; named by the images they move, as BIDS does."""
    for field, ends in (
        (displacement_field(to_template, standard_grid(RESOLUTION)), (contrast, outputs.space)),
        (displacement_field(to_native, _coarse_grid(head)), (outputs.space, contrast)),
    ):
        path = outputs.path("xfm", "anat", transform=ends)
        outputs.save(field, path, [source], Description="Displacements in mm (LPS), as ITK reads")


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
        _save_lesion_figure(warped, lesion, outputs)


def _registration_quality(outputs: Outputs, contrast: str) -> dict[str, float]:
    path = outputs.path("mask", "anat", label="L", standard=True)
    return registration_quality(
        outputs.load(contrast, "anat", desc="preproc", standard=True),
        outputs.load("mask", "anat", desc="brain", standard=True),
        load_template("T1w", RESOLUTION),
        load_template("brain", RESOLUTION),
        load_image(path) if path in outputs.written else None,
    )


def _save_lesion_figure(image: nib.Nifti1Image, lesion: nib.Nifti1Image, outputs: Outputs) -> None:
    tracts = corticospinal_tract(RESOLUTION)
    brain = load_template("brain", RESOLUTION)
    outputs.save_figure(checks.lesion_standard(image, lesion, tracts, brain))


def _coarse_grid(head: nib.Nifti1Image) -> Grid:
    """Grid over the head image with voxels of about 2 mm: enough for a smooth displacement."""
    grid = Grid.of(head)
    steps = np.maximum(1, np.round(RESOLUTION / grid.voxel_sizes)).astype(int)
    x, y, z = (int(-(-count // step)) for count, step in zip(grid.shape, steps, strict=True))
    return Grid((x, y, z), grid.affine @ np.diag([*steps, 1]))


@dataclass(frozen=True)
class _Saver:
    """Saves an image on its own grid and, interpolated once, on the standard grid."""

    outputs: Outputs
    sources: list[Path]
    to_template: Transform

    def save(
        self,
        image: nib.Nifti1Image,
        *,
        suffix: str,
        brain: nib.Nifti1Image | None = None,
        standard: nib.Nifti1Image | None = None,
        **names: str,
    ) -> None:
        """Save both; `brain` cuts the skull off, which the template does not have either.

        `standard` is the second one, where it was given on the standard grid.
        """
        path = self.outputs.path(suffix, "anat", **names)
        self.outputs.save(image, path, self.sources, **_sidecar(suffix, names, stripped=False))
        if brain is not None:
            inside = np.asarray(brain.dataobj) > 0
            image = nib.Nifti1Image(np.asarray(image.dataobj) * inside, image.affine, image.header)
        moved = standard
        if moved is None:
            moved = resample(image, standard_grid(RESOLUTION), self.to_template)
        if suffix == "mask":
            moved = _binary(moved)
        path = self.outputs.path(suffix, "anat", **names, standard=True)
        self.outputs.save(moved, path, self.sources, **_sidecar(suffix, names, stripped=True))


def _sidecar(suffix: str, names: Mapping[str, str], *, stripped: bool) -> dict[str, object]:
    """Fields that BIDS requires of an image with this suffix."""
    if suffix == "mask":
        return {"Type": "Brain" if names.get("desc") == "brain" else "Lesion"}
    return {} if suffix == "probseg" else {"SkullStripped": stripped}
