"""Anatomy of one participant: from a head image to masks, tissue maps and the standard space."""

from collections.abc import Mapping
from functools import partial

import nibabel as nib
import numpy as np

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.features.plausibility import doubts
from motor_bids_app.levels.participant.anatomy.images import (
    Anatomy,
    Contrast,
    HeadImages,
    StandardAnatomy,
)
from motor_bids_app.levels.participant.anatomy.lesion import (
    GivenLesion,
    Lesion,
    check_place,
    drawn_lesion,
    lesion_in_head,
)
from motor_bids_app.levels.participant.facts import Facts
from motor_bids_app.levels.participant.secondary import unless_unusable
from motor_bids_app.mri.anatomy import correct_bias, denoise
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.field_of_view import scanned, scanned_share
from motor_bids_app.mri.quality import anatomical_quality, registration_quality
from motor_bids_app.mri.registration import coregister, register_to_template
from motor_bids_app.mri.repeats import average_runs
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.mri.tissue_contrast import LEAST_CONTRAST, grey_over_white
from motor_bids_app.spaces.grids import RESOLUTION, Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_UNSCANNED = 0.005  # share of the template's brain, from which it is said
_CUT_OFF = 0.02  # from which it is doubtful what is measured there
_UNCOVERED = 0.05  # share of the template; whole brains lack 1 to 2 % of it


def preprocess_anatomy(images: HeadImages, *, sloppy: bool) -> Anatomy:
    """Clean a head, find its brain, tissue and lesion, and register it to the standard space."""
    taken = images.taken
    raw, used, facts = _average(images.runs)
    facts.warnings.extend(images.warnings)
    head, noisy = (raw, raw) if taken.head else _correct(raw, sloppy=sloppy)
    brain = taken.brain or extract_brain(head)
    contrasts, remarks = place_contrasts(images.others, head, brain, images.lesion, sloppy=sloppy)
    facts.add(remarks)
    places = {name: contrast.place for name, contrast in contrasts.items()}
    drawn, remarks = _place_drawn(images.lesion, head, brain, places)
    facts.add(remarks)
    if drawn is not None:
        brain, remarks = drawn.join(brain)
        facts.add(remarks)
    lesion, to_template, to_native = _register(images, head, brain, drawn, sloppy=sloppy)
    mask = lesion.native if lesion else None
    if lesion is not None and drawn is None:
        brain, remarks = lesion.join(brain)
        facts.add(remarks)
    tissue = taken.tissue_outside(mask)
    if not tissue:
        tissue, remarks = segment_head(images.contrast, head, brain, to_native, mask)
        facts.add(remarks)
    standard = _to_template(head, brain, tissue, lesion, to_template)
    facts.add(_measure(images.contrast, noisy, tissue, standard))
    facts.add(_coverage(head, to_template))
    return Anatomy(
        raw=None if taken.head else raw,
        used=used,
        head=head,
        brain=brain,
        tissue=tissue,
        lesion=lesion,
        contrasts=contrasts,
        to_template=to_template,
        to_native=to_native,
        standard=standard,
        facts=facts,
    )


def _average(
    runs: Mapping[str, nib.Nifti1Image],
) -> tuple[nib.Nifti1Image, tuple[str, ...], Facts]:
    """Return the head image, the runs it was made of, and what to say about them."""
    names = tuple(runs)
    if len(names) == 1:
        return runs[names[0]], names, Facts()
    image, chosen = average_runs([*runs.values()])
    used = tuple(names[i] for i in chosen)
    notes = [f"{len(used)} of {len(names)} runs of the head image were averaged."]
    left_out = [name for name in names if name not in used]
    if left_out:
        notes.append(f"Unlike the other runs, and left out: {', '.join(left_out)}.")
    return image, used, Facts(notes=notes)


def _correct(raw: nib.Nifti1Image, *, sloppy: bool) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Return the head without noise and bias, and with its noise, by which quality is measured."""
    smooth = denoise(raw)
    head = correct_bias(smooth, mask=None, sloppy=sloppy)
    values, known = (np.asarray(image.dataobj) for image in (head, smooth))
    gain = np.divide(values, known, out=np.ones_like(values), where=known != 0)
    return head, nib.Nifti1Image(np.asarray(raw.dataobj) * gain, head.affine, head.header)


def place_contrasts(
    others: Mapping[str, nib.Nifti1Image],
    head: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    lesion: GivenLesion | None = None,
    *,
    sloppy: bool,
) -> tuple[dict[str, Contrast], Facts]:
    """Register the other anatomical images of a person to the one that defines the anatomy.

    One that cannot be registered is left out, unless the lesion was drawn on it.
    """
    placed, facts = {}, Facts()

    def place(raw: nib.Nifti1Image) -> Contrast:
        image = correct_bias(raw, mask=None, sloppy=sloppy)
        return Contrast(image, coregister(head, image, brain))

    for name, raw in others.items():
        if lesion is not None and lesion.drawn_on == name:
            placed[name] = place(raw)
        elif found := unless_unusable(f"The {name}", partial(place, raw), facts.warnings):
            placed[name] = found
            facts.warnings.extend(filter(None, [found.place.doubt(name)]))
    return placed, facts


def _place_drawn(
    given: GivenLesion | None,
    head: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    contrasts: Mapping[str, Coregistration],
) -> tuple[Lesion | None, Facts]:
    """Bring a lesion that was drawn on an image of the person to the head, if that can be right."""
    facts = Facts()
    if given is None:
        return None, facts
    facts.add(given.remarks)
    if given.is_standard:
        return None, facts
    place = contrasts.get(given.drawn_on)
    if given.reference is not None:
        place = coregister(head, given.reference)
    facts.add(check_place(given, brain if place is None else None))
    if place is not None:
        facts.quality["lesion_coregistration_similarity"] = place.similarity
        facts.warnings.extend(filter(None, [place.doubt(f"{given.drawn_on} of the lesion")]))
    return drawn_lesion(given, head, place.matrix if place else np.eye(4)), facts


def _register(
    images: HeadImages,
    head: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    drawn: Lesion | None,
    *,
    sloppy: bool,
) -> tuple[Lesion | None, Transform, Transform]:
    """Register the head around its lesion; return the lesion and the ways to template and back.

    Where in the head a lesion of the standard space is, a first rough registration tells.
    """
    given, taken, grid = images.lesion, images.taken.transform, coarse_grid(head)
    mask = drawn.native if drawn else None
    if given is None or not given.is_standard:
        to_template = taken or register_to_template(head, brain, mask, sloppy=sloppy).transform
        return drawn, to_template, invert(to_template, grid)
    standard = given.on_standard_grid()
    if taken is None:
        rough = register_to_template(head, brain, sloppy=True).transform
        mask = lesion_in_head(standard, given.name, head, invert(rough, grid)).native
    to_template = taken or register_to_template(head, brain, mask, sloppy=sloppy).transform
    to_native = invert(to_template, grid)
    return lesion_in_head(standard, given.name, head, to_native), to_template, to_native


def coarse_grid(head: nib.Nifti1Image) -> Grid:
    """Grid over the head image with voxels of about 2 mm: enough for a smooth displacement."""
    grid = Grid.of(head)
    steps = np.maximum(1, np.round(RESOLUTION / grid.voxel_sizes)).astype(int)
    x, y, z = (int(-(-count // step)) for count, step in zip(grid.shape, steps, strict=True))
    return Grid((x, y, z), grid.affine @ np.diag([*steps, 1]))


def _to_template(
    head: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    tissue: Mapping[str, nib.Nifti1Image],
    lesion: Lesion | None,
    to_template: Transform,
) -> StandardAnatomy:
    """Bring all to the standard grid; the skull is cut off, as the template has none either."""
    grid = standard_grid(RESOLUTION)
    inside = np.asarray(brain.dataobj) > 0
    stripped = nib.Nifti1Image(np.asarray(head.dataobj) * inside, head.affine, head.header)
    moved = resample(brain, grid, to_template)
    return StandardAnatomy(
        head=resample(stripped, grid, to_template),
        brain=nib.Nifti1Image((np.asarray(moved.dataobj) > 0.5).astype(np.uint8), moved.affine),
        tissue={name: resample(image, grid, to_template) for name, image in tissue.items()},
        lesion=lesion.in_template(to_template) if lesion else None,
    )


def segment_head(
    contrast: str,
    head: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    to_native: Transform,
    lesion: nib.Nifti1Image | None,
) -> tuple[dict[str, nib.Nifti1Image], Facts]:
    """Segment a head; no tissue where a T2w or FLAIR cannot tell grey from white matter."""
    facts = Facts()
    if contrast == "T1w":
        return segment_tissue(head, brain, to_native, lesion), facts
    seen = grey_over_white(head, brain, to_native, lesion)
    facts.quality["grey_white_contrast"] = seen
    if seen >= LEAST_CONTRAST:
        bright = contrast == "T2w"
        tissue = segment_tissue(head, brain, to_native, lesion, bright_fluid=bright)
        grey, white = (float(np.asarray(tissue[name].dataobj).sum()) for name in ("GM", "WM"))
        if white > 0 and not doubts({"gm_wm_ratio": grey / white}):
            return tissue, facts
    facts.notes.append(
        f"There is no T1w, and grey and white matter could not be told apart on the {contrast}: no "
        "tissue maps were written."
    )
    return {}, facts


def _measure(
    contrast: str,
    noisy: nib.Nifti1Image,
    tissue: Mapping[str, nib.Nifti1Image],
    standard: StandardAnatomy,
) -> Facts:
    """Return the quality measures, and what to say about them; by contrast if that is no T1w."""
    notes: list[str] = []
    template, whole = load_template("T1w", RESOLUTION), load_template("brain", RESOLUTION)
    quality = registration_quality(standard.head, standard.brain, template, whole, standard.lesion)
    ending = "" if contrast == "T1w" else f"_{contrast.lower()}"
    try:
        found = anatomical_quality(noisy, tissue) if tissue else {}
        quality |= {f"{name}{ending}": value for name, value in found.items()}
    except EmptyRegionError as error:  # T2w and FLAIR may have no voxel that is clearly one tissue
        notes.append(str(error))
    missing = 1 - quality["brain_coverage"]
    if missing > _UNCOVERED:
        notes.append(
            f"{100 * missing:.0f} % of the template's brain is not in the image or not in its "
            "brain mask. Look at the brain mask and the registration: regions there are not whole."
        )
    return Facts(quality=quality, notes=notes)


def _coverage(head: nib.Nifti1Image, to_template: Transform) -> Facts:
    """Say how much of the brain the head image does not show."""
    seen = scanned(head, standard_grid(RESOLUTION), to_template)
    share = scanned_share(seen, load_template("brain", RESOLUTION))
    facts = Facts(quality={"head_scanned": share})
    if 1 - share > _UNSCANNED:
        text = (
            f"The head image ends within the brain: {100 * (1 - share):.1f} % of it was not "
            "scanned. Regions of which less than half was scanned have no values, and others there "
            "are of their scanned part."
        )
        (facts.warnings if 1 - share > _CUT_OFF else facts.notes).append(text)
    return facts
