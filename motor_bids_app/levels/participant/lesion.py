"""Lesion masks that need no head: in the standard space, or on the image they were drawn on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib

from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.mni_spaces import moved_in_words
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.anatomy.lesion import (
    GivenLesion,
    Lesion,
    check_lesion,
    check_place,
    place_lesion,
)
from motor_bids_app.levels.participant.anatomy.read import read_lesion, read_mask
from motor_bids_app.levels.participant.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.reports.participant import checks
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.atlases import corticospinal_tract
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template


def placed_lesion(path: Path, image: nib.Nifti1Image, parts: Sequence[Path] = ()) -> Lesion:
    """Read a mask, with those of further parts, and bring it to the image it was drawn on."""
    mask, remarks = read_mask(path, parts)
    given = GivenLesion(mask, str(path), "dwi", image_grid=Grid.of(image))
    remarks.add(check_place(given))
    return replace(place_lesion(mask, given.name, image), remarks=remarks)


def preprocess_standard_lesion(scan: Scan, outputs: Outputs) -> None:
    """Save the lesion of a participant who has nothing but a mask in standard space."""
    given = read_lesion(scan, {})
    assert given is not None
    assert scan.lesion is not None
    mask = given.on_standard_grid()
    checked = check_lesion(mask, load_template("brain", RESOLUTION), given.name)
    path = outputs.path("mask", "anat", label="L", standard=True)
    outputs.save(mask, path, scan.lesion.paths, **lesion_sidecar(scan.lesion))
    save_lesion_figure(load_template("T1w", RESOLUTION), mask, outputs)
    facts = Facts(methods=["standard_lesion"])
    facts.add(given.remarks)
    facts.notes.extend(checked.notes)
    facts.warnings.extend(checked.warnings)
    outputs.save_facts("anat", facts)


def lesion_sidecar(lesion: LesionFile) -> dict[str, object]:
    """Fields of the sidecar of a lesion mask; they say where it was moved."""
    sidecar: dict[str, object] = {"Type": "Lesion"}
    if lesion.is_standard and lesion.space != STANDARD_SPACE:
        sidecar["Description"] = f"Mask given in {lesion.space}: {moved_in_words(lesion.space)}"
    return sidecar


def save_lesion_figure(image: nib.Nifti1Image, lesion: nib.Nifti1Image, outputs: Outputs) -> None:
    """Save the picture of a lesion in the standard space, with the tracts."""
    tracts = corticospinal_tract(RESOLUTION)
    brain = load_template("brain", RESOLUTION)
    outputs.save_figure(checks.lesion_standard(image, lesion, tracts, brain))
