"""What a lesion cuts: tables, a map and a picture of one participant and session."""

from functools import lru_cache
from pathlib import Path

import nibabel as nib
import pandas as pd

from motor_bids_app.bids.files import write_table
from motor_bids_app.levels.participant.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.levels.participant.tractogram import read_tractogram
from motor_bids_app.mri.disconnection import (
    Connectome,
    bundle_shares,
    lost_density,
    pair_shares,
    region_shares,
    trace,
)
from motor_bids_app.mri.lesions import lesion_side
from motor_bids_app.reports.participant.disconnection_checks import disconnection
from motor_bids_app.spaces.atlases import load_cerebra
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.tractograms import HCP842, load_hcp842

BUNDLES, REGIONS, PAIRS = "disconnectedbundles", "disconnectedregions", "disconnectedpairs"
_OF_CEREBRA = "region of CerebrA in the standard space, _L and _R for its side"
_COUNTS: dict[str, dict[str, object]] = {
    "streamlines": {"Description": "Streamlines of it, with the mirror images of the other side's"},
    "cut": {"Description": "Streamlines of it that enter a voxel of the lesion"},
    "share": {"Description": "Part of its streamlines that are cut", "Units": "arbitrary"},
}
_COLUMNS: dict[str, dict[str, dict[str, object]]] = {
    BUNDLES: {
        "bundle": {"Description": f"Bundle of white matter of {HCP842}"},
        "side": {"Description": "Side of the brain; n/a where it is on both"},
        "hemisphere": {
            "Description": "Whether it is on the side of the lesion; n/a where either is on both",
            "Levels": {"ipsilesional": "the same side", "contralesional": "the other side"},
        },
        **_COUNTS,
    },
    REGIONS: {
        "index": {"Description": "Number of the region"},
        "region": {"Description": f"Region in which streamlines end, a {_OF_CEREBRA}"},
        **_COUNTS,
    },
    PAIRS: {
        "region": {"Description": f"Region at one end of streamlines, a {_OF_CEREBRA}"},
        "other_region": {"Description": "Region at the other end, maybe the same"},
        **_COUNTS,
    },
}


def save_disconnection(
    lesion: nib.Nifti1Image, outputs: Outputs, tractogram: Path | None = None
) -> tuple[dict[str, float], Facts]:
    """Save what a lesion cuts.

    Parameters
    ----------
    lesion : Nifti1Image, shape (91, 109, 91)
        Mask in the standard space.
    outputs : Outputs
    tractogram : Path, optional
        Streamlines of regions, pairs and the map, in the place of those of HCP842. Bundles are
        always of the latter, as models know them.

    Returns
    -------
    dict of float
        Share of each bundle that is cut.
    Facts
    """
    own = _connectome(None)
    bundles = bundle_shares(own, own.cut_by(lesion))
    connectome = _connectome(tractogram) if tractogram else own
    cut = connectome.cut_by(lesion)
    _save(BUNDLES, _with_sides(bundles, lesion_side(lesion)), outputs)
    _save(REGIONS, region_shares(connectome, cut), outputs)
    _save(PAIRS, pair_shares(connectome, cut), outputs)
    name = tractogram.name if tractogram else HCP842
    density = lost_density(connectome, cut)
    mask = outputs.path("mask", "anat", label="L", standard=True)
    path = outputs.path("probseg", "anat", label="L", desc="disconnection", standard=True)
    text = f"Share of the streamlines ({name}) through a voxel that the lesion cuts anywhere"
    outputs.save(density, path, [mask], Type="Lesion", Description=text)
    brain = load_template("brain", RESOLUTION)
    picture = disconnection(load_template("T1w", RESOLUTION), lesion, density, brain, name)
    outputs.save_figure(picture)
    facts = Facts(methods=["disconnection"])
    if tractogram:
        facts.notes.append(
            f"Regions, pairs and the map of what the lesion cuts are of {name}; bundles are those "
            f"of {HCP842}."
        )
    return dict(zip(bundles["bundle"], bundles["share"].astype(float), strict=True)), facts


def disconnection_table(outputs: Outputs, name: str) -> Path:
    """Path of one of the tables `BUNDLES`, `REGIONS` and `PAIRS`."""
    return outputs.features_table.with_name(f"{outputs.prefix}_desc-{name}.tsv")


@lru_cache(maxsize=2)
def _connectome(path: Path | None) -> Connectome:
    """Streamlines on the grid of the derivatives, read once by each process."""
    return trace(read_tractogram(path) if path else load_hcp842(), load_cerebra(RESOLUTION))


def _save(name: str, table: pd.DataFrame, outputs: Outputs) -> None:
    path = disconnection_table(outputs, name)
    write_table(path, table, _COLUMNS[name])
    outputs.written.extend([path, path.with_suffix(".json")])


def _with_sides(bundles: pd.DataFrame, lesion: str) -> pd.DataFrame:
    """Split sides from the names of bundles, and say which is that of the lesion."""
    parts = bundles["bundle"].str.extract("^(.+?)(?:_(left|right))?$")
    one_sided = parts[1].notna() & (lesion in ("left", "right"))
    same = (parts[1] == lesion).map({True: "ipsilesional", False: "contralesional"})
    sides = {"bundle": parts[0], "side": parts[1], "hemisphere": same.where(one_sided)}
    return pd.DataFrame(sides).join(bundles.drop(columns="bundle"))
