"""The features table of one participant and session, from what was saved in standard space."""

import nibabel as nib
import numpy as np
import pandas as pd

from motor_bids_app.bids.files import load_image, write_table
from motor_bids_app.errors import InputMissingError
from motor_bids_app.features.table import dictionary_for, feature_row
from motor_bids_app.levels.diffusion_files import MAP_UNITS
from motor_bids_app.levels.outputs import RESOLUTION, STEPS, Facts, Outputs
from motor_bids_app.levels.physiology_features import measure_signals
from motor_bids_app.levels.physiology_files import cleaned_path
from motor_bids_app.mri.lesions import lesion_side
from motor_bids_app.spaces.atlases import corticospinal_tract, load_aal


def extract_features(outputs: Outputs) -> None:
    """Save the row of numbers that describes this participant and session.

    Raises
    ------
    InputMissingError
        Nothing was brought to the standard space, and there is no EEG or EMG either.
    """
    maps = standard_maps(outputs)
    lesion = _load(outputs, "mask", "anat", label="L")
    side = lesion_side(lesion) if lesion is not None else ""
    signals, facts = measure_signals(outputs, side)
    recorded = [cleaned_path(outputs, kind) for kind in ("eeg", "emg")]
    if not maps and lesion is None and not any(recorded):
        raise InputMissingError(
            f"{outputs.prefix} has nothing in {outputs.space} and no EEG or EMG, so no features. "
            "See the other steps in participants_status.tsv for the reason."
        )
    row = feature_row(
        lesion=lesion,
        tract=corticospinal_tract(RESOLUTION),
        maps=maps,
        atlas=load_aal(RESOLUTION),
        brain=_measured(maps.get("md", maps.get("fa"))),
        quality=_earlier(outputs).quality | signals,
    )
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
    write_table(path, pd.DataFrame([identity | row]), dictionary)
    outputs.written.extend([path, path.with_suffix(".json")])
    done = [name for name, there in (("tract_load", lesion), ("regions", maps)) if there]
    facts.methods.extend(done)
    outputs.save_facts("features", facts)


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


def _load(outputs: Outputs, suffix: str, datatype: str, **entities: str) -> nib.Nifti1Image | None:
    path = outputs.path(suffix, datatype, **entities, standard=True)
    return load_image(path) if path.is_file() else None
