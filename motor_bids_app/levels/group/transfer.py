"""Networks that begin with the weights of a model bundle, unless it knows people of the cohort."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.errors import DataError, IncompatibleModelError, UsageError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.fingerprints import SealedImages, content_hash
from motor_bids_app.levels.bundles import SavedModel, load_model
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.models.networks.networks import MultiBranchNetwork
from motor_bids_app.models.networks.transfer import Start, start_from
from motor_bids_app.models.tables.columns import DEMOGRAPHICS, OWN, with_matching

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Inheritance:
    """What an experiment takes over from a bundle.

    Parameters
    ----------
    start : Start
        The weights.
    note : str
        What the report says of it.
    lineage : list of dict
        What a bundle made from it must say about the people behind it: the sealed images, and
        the maps, of this bundle and of all that it began with itself.
    """

    start: Start
    note: str
    lineage: list[dict[str, Any]]


def inherit(
    folder: Path | None, experiment: Experiment, people: Participants, cohort: Cohort
) -> Inheritance | None:
    """Read a bundle to begin with; None where none is named.

    Raises
    ------
    UsageError
        The experiment has no network.
    DataError
        The bundle, or one that it began with, was trained on people of this cohort.
    IncompatibleModelError
        It is no network, or none of its layers fits.
    """
    if folder is None:
        return None
    if experiment.model.kind == "ladder":
        raise UsageError(
            f"--init-from is for experiments with a network, and {experiment.name} has none: "
            "leave one of them out."
        )
    saved = load_model(folder, "cpu")
    if not saved.metadata["training"]["images"]["hashes"]:
        raise IncompatibleModelError(
            f"The model in {folder} does not say which images it was trained on, so that nobody "
            "can rule out people of this cohort. Use another bundle for --init-from."
        )
    lineage = lineage_of(saved)
    known = _known_people(lineage, people, cohort)
    if known:
        raise DataError(
            f"The model in {folder} was trained on {len(known)} people of this cohort (such as "
            f"{known[0]}): networks that begin with its weights would have seen the people they "
            "are tested on. Use a bundle of other people for --init-from, or leave these people "
            "out with --exclude-participant-label."
        )
    start = start_from(saved.members[0], saved.digest)
    taken, total = (0, 0) if start is None else _fitting(start, experiment, cohort)
    if start is None or taken == 0:
        raise IncompatibleModelError(
            f"No layer of the model in {folder} fits the networks of {experiment.name}: it needs "
            "branches of the same maps and widths. Give both experiments the same [model] widths."
        )
    note = (
        f"Networks started from the weights of another model ({saved.metadata['experiment']}, "
        f"bundle {saved.digest}): {taken} of {total} tensors of a network fitted. That model was "
        "trained on no image of this cohort; whether it was trained on other scans of the same "
        "people cannot be checked."
    )
    log.info("%s: %s", experiment.name, note)
    return Inheritance(start=start, note=note, lineage=lineage)


def lineage_of(saved: SavedModel) -> list[dict[str, Any]]:
    """Sealed images and maps of a bundle, then of those that it began with."""
    metadata = saved.metadata
    own = {
        "bundle": saved.digest,
        "maps": list(metadata["inputs"]["maps"]),
        "images": metadata["training"]["images"],
    }
    return [own, *metadata.get("began_with", [])]


def _known_people(lineage: list[dict[str, Any]], people: Participants, cohort: Cohort) -> list[str]:
    """Participants of whom a map was among the training images of any of these bundles.

    All maps that the bundles read are looked at, also those that this experiment does not, and
    those that are doubtful.
    """
    sealed = [(set(one["maps"]), SealedImages.from_json(one["images"])) for one in lineage]
    wanted = set().union(*(maps for maps, _ in sealed))
    known = []
    for row in cohort.labels.rows:
        scan = people.scans[int(row)]
        for name, digest in _digests(scan.every_map, wanted):
            if any(images.hold(name, digest) for _, images in sealed):
                known.append(f"sub-{scan.participant}")
                break
    return sorted(set(known))


def _digests(maps: Mapping[str, Path], wanted: set[str]) -> Iterator[tuple[str, str]]:
    """Hashes of the maps of one scan, as stores make them."""
    for name in sorted(wanted & set(maps)):
        digest = content_hash(np.asarray(load_image(maps[name]).dataobj, dtype=np.float32))
        if digest is not None:
            yield name, digest


def _fitting(start: Start, experiment: Experiment, cohort: Cohort) -> tuple[int, int]:
    """Tensors of one network of the experiment that the weights fit, and all of them."""
    model = experiment.model
    single = model.kind == "cbam2025"
    maps = cohort.maps[:1] if single else cohort.maps
    network = MultiBranchNetwork(
        n_maps=len(maps),
        n_demographics=len(with_matching(cohort.samples.table, DEMOGRAPHICS, OWN)),
        n_outputs=2,
        widths=model.widths,
        n_residuals=model.n_residuals,
        hidden=model.hidden,
        attention=single,
    )
    return start.give(network, maps)
