"""The features table of one participant and session, from what was saved in standard space."""

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.affines import apply_affine

from motor_bids_app.bids.files import load_image, write_table
from motor_bids_app.errors import InputMissingError
from motor_bids_app.features.columns import OVERLAP_COLUMNS, dictionary_for
from motor_bids_app.features.plausibility import doubts
from motor_bids_app.features.table import feature_row
from motor_bids_app.levels.participant.diffusion.files import MAP_UNITS
from motor_bids_app.levels.participant.disconnection import save_disconnection
from motor_bids_app.levels.participant.outputs import RESOLUTION, STEPS, Facts, Outputs
from motor_bids_app.mri.field_of_view import scanned
from motor_bids_app.mri.lesion_values import lesion_voxels
from motor_bids_app.mri.lesions import lesion_side
from motor_bids_app.mri.regions import lesion_overlap
from motor_bids_app.mri.tracts import native_tract_loads
from motor_bids_app.mri.volumes import tissue_volumes, white_matter_medians
from motor_bids_app.spaces.atlases import TRACT_END, corticospinal_tract, load_cerebra
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

_COVERED = 0.9  # of the template's brain; of whole series 97 % or more


def extract_features(outputs: Outputs, tractogram: Path | None = None) -> None:
    """Save the row of numbers that describes this participant and session.

    Parameters
    ----------
    outputs : Outputs
    tractogram : Path, optional
        See `save_disconnection`.

    Raises
    ------
    InputMissingError
        Nothing was brought to the standard space, and there is no EEG or EMG either.
    """
    maps = standard_maps(outputs)
    lesion = _load(outputs, "mask", "anat", label="L")
    side = lesion_side(lesion) if lesion is not None else ""
    folders = [outputs.path(kind, kind).parent for kind in ("eeg", "emg")]
    recorded = any(any(folder.glob("*_desc-preproc_*")) for folder in folders)
    signals, facts = _measure_signals(outputs, side) if recorded else ({}, Facts())
    if not maps and lesion is None and not recorded:
        raise InputMissingError(
            f"{outputs.prefix} has nothing in {outputs.space} and no EEG or EMG, so no features. "
            "See the other steps in participants_status.tsv for the reason."
        )
    measured = _measured(maps.get("md", maps.get("fa")))
    if measured is not None:
        facts.add(_coverage(measured))
    earlier = _earlier(outputs)
    facts.quality.update(_volumes(outputs))
    white_matter = load_template("WM", RESOLUTION)
    facts.quality.update(white_matter_medians(maps, white_matter, lesion))
    facts.warnings.extend(_doubts(earlier.quality | facts.quality, outputs))
    disconnection: dict[str, float] | None = None
    if lesion is not None:
        disconnection, remarks = save_disconnection(lesion, outputs, tractogram)
        facts.add(remarks)
    row = feature_row(
        lesion=lesion,
        tract=corticospinal_tract(RESOLUTION),
        maps=maps,
        atlas=load_cerebra(RESOLUTION),
        brain=measured,
        head=_scanned(outputs),
        native_loads=_native_loads(outputs) if lesion is not None else None,
        disconnection=disconnection,
        quality=earlier.quality | facts.quality | signals,
    )
    _save_row(row, outputs)
    if lesion is not None:
        _save_overlap(lesion, outputs)
        facts.add(_beyond_tract(lesion))
    done = [name for name, there in (("tract_load", lesion), ("regions", maps)) if there]
    facts.methods.extend(done)
    outputs.save_facts("features", facts)


def _save_row(row: Mapping[str, object], outputs: Outputs) -> None:
    """Save the table of one row, and what its columns are."""
    identity = {
        "participant_id": f"sub-{outputs.participant}",
        "session_id": f"ses-{outputs.session}" if outputs.session else None,
    }
    dictionary: dict[str, dict[str, object]] = {
        "participant_id": {"Description": "Participant"},
        "session_id": {"Description": "Session; n/a where the dataset has none"},
        **dictionary_for(row),
    }
    path = outputs.features_table
    write_table(path, pd.DataFrame([{**identity, **row}]), dictionary)
    outputs.written.extend([path, path.with_suffix(".json")])


def _measure_signals(outputs: Outputs, lesion_side: str) -> tuple[dict[str, float], Facts]:
    """Measure EEG and EMG; their libraries take seconds to import, which others need not wait."""
    from motor_bids_app.levels.participant.physiology.features import measure_signals

    return measure_signals(outputs, lesion_side)


def _volumes(outputs: Outputs) -> dict[str, float]:
    """Volumes of the tissues in the participant's own space, where a T1w gave maps of them."""
    paths = {name: outputs.path("probseg", "anat", label=name) for name in ("GM", "WM", "CSF")}
    return tissue_volumes({k: load_image(path) for k, path in paths.items() if path.is_file()})


def _doubts(measures: Mapping[str, float], outputs: Outputs) -> list[str]:
    """Measures that cannot be and of which no step has warned, one sentence each.

    Images of other contrasts than T1w look unlike the template.
    """
    t1w = outputs.head is not None and outputs.head.name.endswith("_T1w.nii.gz")
    allowed = () if t1w else ("template_correlation",)
    return [limit.sentence(value) for limit, value in doubts(measures, allowed) if not limit.said]


def _save_overlap(lesion: nib.Nifti1Image, outputs: Outputs) -> None:
    """Save how much of each region the lesion takes."""
    path = outputs.overlap_table
    write_table(path, lesion_overlap(lesion, load_cerebra(RESOLUTION)), OVERLAP_COLUMNS)
    outputs.written.extend([path, path.with_suffix(".json")])


def _beyond_tract(lesion: nib.Nifti1Image) -> Facts:
    """Say where a lesion lies below the end of the tract: loads are 0 there."""
    heights = apply_affine(lesion.affine, np.argwhere(lesion_voxels(lesion)))[:, 2]
    below = float((heights < TRACT_END).mean()) if heights.size else 0.0
    if not below:
        return Facts()
    text = (
        f"{100 * below:.0f} % of the lesion lies below z = {TRACT_END} mm, where the tract of the "
        "atlas ends, in the medulla: loads of the corticospinal tract do not count it."
    )
    return Facts(warnings=[text]) if below > 0.5 else Facts(notes=[text])


def _earlier(outputs: Outputs) -> Facts:
    """What the steps before this one have to say."""
    return outputs.load_facts([step for step in STEPS if step != "features"])


def standard_maps(outputs: Outputs) -> dict[str, nib.Nifti1Image]:
    """Load the maps that exist in standard space: fa, md, rd, ad, gm, wm."""
    found = {
        name: _load(outputs, "dwimap", "dwi", model="tensor", param=name) for name in MAP_UNITS
    }
    if found["md"] is None:  # too few directions for a tensor
        found["md"] = _load(outputs, "dwimap", "dwi", model="trace", param="md")
    found |= {name: _load(outputs, "probseg", "anat", label=name.upper()) for name in ("gm", "wm")}
    return {name: image for name, image in found.items() if image is not None}


def _measured(diffusion: nib.Nifti1Image | None) -> nib.Nifti1Image | None:
    """Where diffusion was measured: its maps are 0 outside the field of view."""
    if diffusion is None:
        return None
    inside = np.asarray(diffusion.dataobj) > 0
    return nib.Nifti1Image(inside.astype(np.uint8), diffusion.affine)


def _scanned(outputs: Outputs) -> nib.Nifti1Image | None:
    """Where the head image has scanned, in the standard space."""
    if outputs.head is None:
        return None
    grid = standard_grid(RESOLUTION)
    return scanned(load_image(outputs.head), grid, outputs.load_transform())


def _native_loads(outputs: Outputs) -> dict[str, float]:
    """How much of the tract is lesioned in the head itself; empty without a head."""
    path = outputs.path("mask", "anat", label="L")
    if outputs.head is None or not path.is_file():
        return {}
    to_native, to_standard = outputs.load_transform(), outputs.load_inverse()
    tract = corticospinal_tract(RESOLUTION)
    return native_tract_loads(load_image(path), tract, to_native, to_standard)


def _coverage(measured: nib.Nifti1Image) -> Facts:
    """How much of the template's brain has diffusion: series often end below the vertex."""
    brain = np.asarray(load_template("brain", RESOLUTION).dataobj) > 0
    share = float((np.asarray(measured.dataobj)[brain] > 0).mean())
    facts = Facts(quality={"dwi_coverage": share})
    if share < _COVERED:
        facts.notes.append(
            f"{100 * (1 - share):.0f} % of the template's brain has no diffusion. Look at the "
            "tensor maps: regions at the edge of the field of view are not whole."
        )
    return facts


def _load(outputs: Outputs, suffix: str, datatype: str, **entities: str) -> nib.Nifti1Image | None:
    path = outputs.path(suffix, datatype, **entities, standard=True)
    return load_image(path) if path.is_file() else None
