"""The methods text of a run before it is done."""

from collections.abc import Sequence

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.anatomy.files import anatomical_methods
from motor_bids_app.levels.participant.overview import planned
from motor_bids_app.levels.participant.report import described, software_versions
from motor_bids_app.reports.participant.methods import as_text, participant_methods
from motor_bids_app.settings import ProcessingSettings, Settings

_NUISANCE = ("white_matter", "csf")


def planned_methods(settings: Settings, scans: Sequence[Scan]) -> str:
    """Return the methods text of a run that does all there is for these participants."""
    steps: set[str] = set()
    taken: dict[str, str] = {}
    for scan in scans:
        plan = planned(scan, settings.selection)
        if "anat" in plan and scan.anatomy:
            steps |= {*anatomical_methods(scan), "regions"}
        if "dwi" in plan:
            steps |= _diffusion_methods(scan, settings.processing)
        if "bold" in plan and scan.bold:
            steps |= _bold_methods(scan.bold, settings.processing)
        steps |= {f"{kind}_filter" for kind in ("eeg", "emg") if kind in plan}
        if "eeg" in plan:
            steps |= {"eeg_bad_channels", "eeg_reference"}
            steps |= {"eeg_components"} if settings.processing.physiology.ica else set()
        steps |= {"signal_windows"} if {"eeg", "emg"} & set(plan) else set()
        taken |= scan.finished.datasets
        if scan.lesion is not None and "anat" in plan:
            steps |= {"standard_lesion"} if scan.lesion.is_standard else set()
            steps |= {"tract_load", "disconnection"}
    methods = participant_methods(
        steps,
        space=settings.processing.space,
        versions=software_versions(),
        taken=described(taken, settings),
    )
    return as_text(methods)


def _diffusion_methods(scan: Scan, processing: ProcessingSettings) -> set[str]:
    if scan.finished.maps:
        return set() if scan.finished.maps_standard else {"finished_coregistration"}
    if scan.finished.dwi:
        return {"tensor", "finished_coregistration"}
    by_head = scan.anatomy is not None
    return {
        "dwi_denoise",
        "dwi_outliers",
        "dwi_motion",
        "dwi_bias",
        "tensor",
        "coregistration",
        _distortion(scan, processing, by_head=by_head),
    }


def _distortion(
    series: Scan | BoldFile, processing: ProcessingSettings, *, by_head: bool = True
) -> str:
    """What the distortion of a series is found by: a pair of images before a field map."""
    left = "head" if by_head and processing.susceptibility == "head" else "left"
    by = "pair" if series.reverse_phase else "map" if series.field_map else left
    return f"susceptibility_{'left' if processing.susceptibility == 'off' else by}"


def _bold_methods(bold: BoldFile, processing: ProcessingSettings) -> set[str]:
    names = {"cleaning", "global_signal", "connectivity"}
    names |= {f"{kind}_{tissue}" for kind in ("signal", "compcor") for tissue in _NUISANCE}
    if bold.confounds is None:  # else another tool has done these
        names |= {"motion", "coregistration", "slice_timing", _distortion(bold, processing)}
    names |= {"smoothing"} if processing.bold.smoothing > 0 else set()
    names |= {"dummies"} if processing.bold.dummy_scans else set()
    names |= {"scrubbing"} if processing.bold.scrub is not None else set()
    steps = {f"bold_{name}" for name in names}
    return steps if bold.confounds is None else steps | {"finished_bold"}
