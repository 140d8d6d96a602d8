"""The report of one participant and session, from what the steps saved."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.files import read_json, write_text
from motor_bids_app.bids.finished_pieces import describe_datasets
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.status import StatusRow
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import ReadWriteError
from motor_bids_app.features.columns import dictionary_for
from motor_bids_app.levels.participant.anatomy.files import anatomical_methods
from motor_bids_app.levels.participant.lesion_tables import lesion_tables
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.levels.participant.overview import planned, taken_from
from motor_bids_app.mri.brain_network import WEIGHTS
from motor_bids_app.reports.participant.methods import as_text, participant_methods
from motor_bids_app.reports.participant.page import ParticipantReport, Section, render_participant
from motor_bids_app.settings import ProcessingSettings, Settings
from motor_bids_app.spaces.tractograms import HCP842

_FIGURES = {
    "anatomy": ("brain-mask", "bias-field", "registration"),
    "lesion": ("lesion-native", "lesion-standard", "lesion-disconnection"),
    "tissue": ("tissue",),
    "diffusion": (
        "denoising",
        "motion",
        "susceptibility",
        "tensor-maps",
        "tensor-residual",
        "coregistration",
    ),
    "bold": (
        "bold-motion",
        "bold-susceptibility",
        "bold-coregistration",
        "bold-signal",
        "bold-connectivity",
        "bold-coupling",
    ),
    "eeg": ("eeg-spectra", "eeg-channels", "eeg-rejected"),
    "emg": ("emg-spectra", "emg-rejected", "cmc-coherence"),
}
_NOTHING = "nothing was made of it here."
_NUISANCE = ("white_matter", "csf")
_LIBRARIES = ("numpy", "scipy", "nibabel", "torch", "SimpleITK", "mne", "scikit-learn")


def write_report(
    scan: Scan, outputs: Outputs, settings: Settings, rows: Sequence[StatusRow]
) -> None:
    """Save the page of a participant and session; `rows` say how the steps ended."""
    facts = outputs.load_facts()
    features = _features(outputs)
    quality = facts.quality
    report = ParticipantReport(
        participant=f"sub-{outputs.participant}",
        session=f"ses-{outputs.session}" if outputs.session else None,
        done=(*_done(scan, facts), *taken_from(facts.taken)),
        missing=_missing(scan, settings),
        warnings=(
            *scan.notes,
            *facts.notes,
            *_lesion_warning(scan),
            *(row.reason for row in rows if row.state == "outdated"),
        ),
        doubts=tuple(dict.fromkeys([*scan.doubts, *facts.warnings])),
        errors={row.modality: row.reason for row in rows if row.state == "failed"},
        sections={**_without_result(scan, rows), **_sections(outputs)},
        quality=quality,
        features={name: value for name, value in features.items() if name not in quality},
        dictionary=dictionary_for([*features]),
        methods=participant_methods(
            facts.methods,
            space=outputs.space,
            versions=software_versions(),
            taken=_described(facts.taken, settings),
        ),
        settings=settings_shown(settings.processing),
        versions=software_versions(),
    )
    path = outputs.root / f"{outputs.prefix}.html"
    write_text(path, render_participant(report))
    outputs.written.append(path)


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
        taken=_described(taken, settings),
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


def _described(taken: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """What was taken -> the derivative with the tool and version that made it."""
    names = describe_datasets(settings.derivatives)
    return {piece: names.get(dataset, dataset) for piece, dataset in taken.items()}


def software_versions() -> dict[str, str]:
    """Versions of this app and of the libraries whose results it uses."""
    own = {"motor_bids_app": __version__, "deepbet (weights)": WEIGHTS}
    return own | {name: version(name) for name in _LIBRARIES}


def settings_shown(processing: ProcessingSettings) -> dict[str, object]:
    """Settings that change results, in words."""
    return {
        "standard space": processing.space,
        "sloppy (rough, for tests)": processing.sloppy,
        "random seed": processing.random_seed,
        "gradient table corrected if wrong": processing.correct_gradients,
        "Gibbs ringing removed": processing.gibbs,
        "susceptibility distortion": processing.susceptibility,
        "streamlines": processing.tractogram.name if processing.tractogram else HCP842,
        "orientation that headers leave open": ", ".join(
            f"{rule.what} for {rule.pattern}" for rule in processing.trust_orientation
        )
        or "refused",
        **{
            f"bold: {name.replace('_', ' ')}": value.name if isinstance(value, Path) else value
            for name, value in asdict(processing.bold).items()
        },
        **{
            f"EEG and EMG: {name.replace('_', ' ')}": value
            for name, value in asdict(processing.physiology).items()
        },
        "threads per participant": processing.omp_nthreads,
    }


def _features(outputs: Outputs) -> dict[str, float | str | None]:
    if not outputs.features_table.is_file():
        return {}
    dictionary = read_json(outputs.features_table.with_suffix(".json"))
    table = read_table(outputs.features_table)
    if len(table) != 1:
        raise ReadWriteError(
            f"{outputs.features_table} has {len(table)} rows instead of one. Run again with "
            "--overwrite."
        )
    row = table.iloc[0]
    features: dict[str, float | str | None] = {}
    for name, value in row.items():
        if name in ("participant_id", "session_id"):
            continue
        missing = not isinstance(value, str)
        number = "Units" in (dictionary.get(str(name)) or {})
        features[str(name)] = (
            None
            if missing
            else float(pd.to_numeric(value, errors="coerce"))
            if number
            else str(value)
        )
    return features


def _sections(outputs: Outputs) -> dict[str, Section]:
    found = {
        key: tuple(figure for name in names if (figure := outputs.load_figure(name)))
        for key, names in _FIGURES.items()
    }
    sections = {key: Section(figures=figures) for key, figures in found.items() if figures}
    if "lesion" in sections:
        sections["lesion"] = replace(sections["lesion"], tables=lesion_tables(outputs))
    return sections


def _without_result(scan: Scan, rows: Sequence[StatusRow]) -> dict[str, Section]:
    """Sections whose input was found: where they have no result, it is not said to be missing."""
    head = scan.anatomy and (f"The {scan.anatomy[1]} image", "anat")
    found = {
        "anatomy": head,
        "lesion": scan.lesion and ("The lesion mask", "anat"),
        "tissue": head,
        "diffusion": (scan.dwi or scan.finished.diffusion) and ("The dwi", "dwi"),
        "bold": scan.bold and ("The bold", "bold"),
        "eeg": scan.eeg and ("The EEG", "eeg"),
        "emg": scan.emg and ("The EMG", "emg"),
    }
    failed = {row.modality for row in rows if row.state == "failed"}
    end = "its processing failed: see the reason at the head of this page."
    return {
        key: Section(absent=f"{what[0]} was found, but {end if what[1] in failed else _NOTHING}")
        for key, what in found.items()
        if what
    }


def _done(scan: Scan, facts: Facts) -> tuple[str, ...]:
    done = []
    if {"registration", "transform"} & {*facts.methods, *facts.taken} and scan.anatomy:
        done.append(scan.anatomy[1])
    if "standard_lesion" in facts.methods or "lesion_volume_ml" in facts.quality:
        done.append("lesion mask")
    if {"tensor", "trace"} & set(facts.methods) or "maps" in facts.taken:
        done.append("dwi")
    if {"bold_motion", "finished_bold"} & set(facts.methods):
        done.append("bold")
    done += [kind.upper() for kind in ("eeg", "emg") if f"{kind}_filter" in facts.methods]
    return tuple(done)


def _missing(scan: Scan, settings: Settings) -> tuple[str, ...]:
    diffusion = scan.dwi or scan.finished.diffusion or None
    present: dict[str, object] = {
        "head image": scan.anatomy,
        "lesion mask": scan.lesion,
        "dwi": diffusion,
    }
    if "dwi" not in settings.selection.modalities:
        del present["dwi"]
    if "bold" in settings.selection.modalities:
        present["bold"] = scan.bold
    if scan.eeg or scan.emg:  # most datasets have neither, and miss nothing
        present |= {
            kind.upper(): file
            for kind, file in (("eeg", scan.eeg), ("emg", scan.emg))
            if kind in settings.selection.modalities
        }
    return tuple(name for name, there in present.items() if there is None)


def _lesion_warning(scan: Scan) -> tuple[str, ...]:
    if scan.lesion is not None or not (scan.anatomy or scan.dwi or scan.finished.diffusion):
        return ()
    found = "could be used" if scan.doubts else "was found"
    return (f"No lesion mask {found}: the brain was processed as if it were intact.",)
