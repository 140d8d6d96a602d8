"""Windows of EEG and EMG, and slices of the bold, as an experiment asks for them (shi2025)."""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.errors import DataError, MotorBidsAppError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.fingerprints import content_hash
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import SIGNALS, RecordedWindows
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS, SeriesWindows
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.levels.cohort.bold_slices import slice_instances
from motor_bids_app.levels.cohort.maps import MapLibrary, to_flip
from motor_bids_app.levels.cohort.signal_windows import (
    SignalPlan,
    no_windows,
    plan_signals,
    signal_instances,
    windows_of_one,
)
from motor_bids_app.levels.cohort.unreadable import UnreadableScansError
from motor_bids_app.levels.cohort.windows import windows_of_scan
from motor_bids_app.models.catalog import needs

log = logging.getLogger(__name__)


def modality_instances(
    experiment: Experiment, library: MapLibrary, rows: NDArray[np.intp]
) -> tuple[dict[str, Instances], tuple[str, ...]]:
    """Instances that some model of an experiment reads, of the scans that take part.

    Parameters
    ----------
    rows : int array, shape (n_scans,)
        Scans of the library that take part.

    Returns
    -------
    dict
        By kind, those that somebody has.
    tuple of str
        Remarks, one sentence each.

    Raises
    ------
    UnreadableScansError
        Some of these scans cannot be read.
    """
    try:
        return _modality_instances(experiment, library, rows)
    except UnreadableScansError as error:
        reasons = {int(rows[place]): reason for place, reason in error.reasons.items()}
        raise UnreadableScansError(reasons) from error


def _modality_instances(
    experiment: Experiment, library: MapLibrary, rows: NDArray[np.intp]
) -> tuple[dict[str, Instances], tuple[str, ...]]:
    inputs = experiment.inputs
    kinds = {kind for name in experiment.models for kind in needs(name).instances}
    scans = [library.scans[row] for row in rows]
    flip = to_flip(library.table, inputs.mirror_lesion_to)[rows]
    mirrored = inputs.mirror_lesion_to != "none"
    found: dict[str, Instances] = {}
    notes: tuple[str, ...] = ()
    if SLICES in kinds:
        key = (SLICES, inputs.mirror_lesion_to, rows.tobytes())
        found[SLICES] = library.keep(key, lambda: slice_instances(scans, flip))
    if SIGNALS in kinds:
        plan, notes = plan_signals(
            scans, inputs.recordings, inputs.channels, inputs.signal_rate, paired=mirrored
        )
        if plan is not None:
            signal_key = (SIGNALS, plan, inputs.mirror_lesion_to, rows.tobytes())
            folder = library.folder / hashlib.sha256(repr(signal_key).encode()).hexdigest()[:12]

            def make() -> Instances:
                log.info(
                    "reading %d channels of EEG and EMG at %g Hz", len(plan.channels), plan.rate
                )
                folder.mkdir(parents=True, exist_ok=True)
                return signal_instances(scans, flip, plan, folder)

            found[SIGNALS] = library.keep(signal_key, make)
    return {kind: instances for kind, instances in found.items() if instances.size}, notes


def described_signals(samples: Samples) -> dict[str, Any]:
    """What a bundle says of the windows of EEG and EMG that its model reads."""
    if SIGNALS not in samples.instances:
        return {}
    source = samples.instances[SIGNALS].source
    assert isinstance(source, RecordedWindows)
    plan = SignalPlan(channels=source.channels, rate=source.rate, n_samples=source.shape[1])
    return {SIGNALS: plan.to_json()}


def instance_images(instances: Mapping[str, Instances]) -> list[tuple[str, str]]:
    """Kind and `content_hash` of the recording, series or slices of each scan that has them."""
    return [(kind, digest) for kind, some in instances.items() for _, digest in _row_hashes(some)]


def doubtful_images(
    inputs: Mapping[str, Any], kinds: Sequence[str], scan: DerivedScan, flip: NDArray[np.bool_]
) -> list[tuple[str, str]]:
    """`instance_images` of the bold of a scan that the model must not read; [] if unreadable."""
    if scan.whole is None or scan.doubtful_bold is None:
        return []
    found: dict[str, Instances] = {}
    try:
        if WINDOWS in kinds:
            place = (inputs["resolution"], inputs["mirror_lesion_to"])
            found[WINDOWS] = windows_of_scan(scan.whole, *place)
        if SLICES in kinds:
            found[SLICES] = slice_instances([scan.whole], flip)
    except MotorBidsAppError:
        return []
    return instance_images(found)


def instance_digests(
    instances: Mapping[str, Instances], participants: Sequence[str]
) -> dict[tuple[str, str], list[str]]:
    """Participants by (kind, hash of the recording, series or slices); see `map_digests`."""
    owners: dict[tuple[str, str], list[str]] = {}
    for kind, some in instances.items():
        for row, digest in _row_hashes(some):
            owners.setdefault((kind, digest), []).append(participants[row])
    return owners


def _row_hashes(some: Instances) -> Iterator[tuple[int, str]]:
    """Rows that have instances of one kind, and the hash of what their scan's are cut from."""
    source = some.source
    if isinstance(source, SeriesWindows):
        arrays: Sequence[NDArray[Any]] = source.signals
    elif isinstance(source, RecordedWindows | VolumeSlices):
        arrays = source.windows if isinstance(source, RecordedWindows) else source.slices
    else:
        return
    rows, first = np.unique(some.rows, return_index=True)
    for row, scan in zip(rows.tolist(), some.scans[first], strict=True):
        digest = content_hash(np.asarray(arrays[scan]))
        if digest is not None:
            yield row, digest


def instances_of_scan(
    inputs: Mapping[str, Any], kinds: tuple[str, ...], scan: DerivedScan, flip: NDArray[np.bool_]
) -> tuple[dict[str, Instances], tuple[str, ...]]:
    """Instances of one scan as a saved model reads them, and what it lacks in words.

    Recordings that lack a channel or are too short count as none where there are slices.

    Raises
    ------
    DataError
        It has none of them, or none that can be used.
    """
    found: dict[str, Instances] = {}
    reasons: tuple[str, ...] = ()
    if SLICES in kinds:
        found[SLICES] = slice_instances([scan], flip)
    if SIGNALS in kinds:
        plan = SignalPlan.from_json(inputs[SIGNALS])
        try:
            found[SIGNALS] = windows_of_one(scan, plan, flip=bool(flip[0]))
        except DataError as error:
            if SLICES not in found or not found[SLICES].size:
                raise
            found[SIGNALS] = no_windows(plan)
            reasons = (str(error),)
    words = {SLICES: "bold", SIGNALS: "EEG and EMG"}
    there = {kind: words[kind] for kind, instances in found.items() if instances.size}
    if not there:
        raise DataError(
            f"The model reads {' and '.join(words[kind] for kind in found)}, and this scan has "
            "none. Run the participant level on them first."
        )
    said = " and ".join(there.values())
    return found, reasons + tuple(
        f"no {words[kind]}: predicted from {said} alone" for kind in found if kind not in there
    )
