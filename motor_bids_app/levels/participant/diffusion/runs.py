"""Further diffusion series of a session: joined with the one that is taken, or said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients
from motor_bids_app.mri.diffusion.runs import Run, join_runs, why_apart
from motor_bids_app.opening import read_text


@dataclass(frozen=True, eq=False)
class Joined:
    """A series with all runs that belong to it, the files of these, and what to say of others."""

    image: nib.Nifti1Image
    gradients: GradientTable
    images: tuple[Path, ...]
    tables: tuple[Path, ...]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def join_further(
    image: nib.Nifti1Image, gradients: GradientTable, sidecar: Mapping[str, Any], scan: Scan
) -> Joined:
    """Read the further series of a scan, and join those of the same protocol."""
    assert scan.dwi is not None
    assert scan.bval is not None
    assert scan.bvec is not None
    runs: list[Run] = [(image, gradients)]
    images, tables, apart = [scan.dwi], [scan.bval, scan.bvec], []
    for other in scan.further_dwi:
        try:
            its_image = load_image(other.path)
            its_table = parse_gradients(read_text(other.bval), read_text(other.bvec))
            reason = why_apart(image, sidecar, its_image, read_sidecars(other.sidecars))
            if not reason and len(its_table) != its_image.shape[3]:
                reason = f"it has {its_image.shape[3]} volumes, but {len(its_table)} b-values"
        except MotorBidsAppError as error:
            reason = str(error).rstrip(".")
        if reason:
            apart.append(f"{other.path.name} ({reason})")
        else:
            runs.append((its_image, its_table))
            images.append(other.path)
            tables += [other.bval, other.bvec]
    notes, warnings, joined = [], [], [path.name for path in images]
    if len(runs) > 1:
        notes.append(f"Runs of one diffusion series were joined: {', '.join(joined)}.")
    if apart:
        warnings.append(
            f"Directions were left out, those of {'; '.join(apart)}: the maps are of "
            f"{', '.join(joined)} alone."
        )
    series, table = join_runs(runs) if len(runs) > 1 else runs[0]
    return Joined(series, table, tuple(images), tuple(dict.fromkeys(tables)), notes, warnings)
