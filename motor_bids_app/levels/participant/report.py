"""The report of one participant and session, from what the steps saved."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.files import read_json, write_text
from motor_bids_app.bids.finished_pieces import describe_datasets
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.status import StatusRow
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import ReadWriteError
from motor_bids_app.features.columns import dictionary_for
from motor_bids_app.features.usual import USUAL, unusual
from motor_bids_app.levels.participant.identity import identity, processed_on, source_files
from motor_bids_app.levels.participant.lesion_tables import lesion_tables
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.levels.participant.overview import taken_from
from motor_bids_app.levels.participant.position import positions
from motor_bids_app.levels.participant.viewed import viewed
from motor_bids_app.mri.brain_network import WEIGHTS
from motor_bids_app.reports.participant.methods import participant_methods
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
        "colour-fa",
        "tensor-residual",
        "coregistration",
    ),
    "bold": (
        "bold-motion",
        "bold-carpet",
        "bold-susceptibility",
        "bold-coregistration",
        "bold-signal",
        "bold-connectivity",
        "bold-coupling",
    ),
    "eeg": ("eeg-spectra", "eeg-channels", "eeg-rejected"),
    "emg": ("emg-spectra", "emg-rejected", "cmc-coherence"),
}
_OF_T1W = ("template_correlation", "cnr", "snr_wm")
_NOTHING = "nothing was made of it here."
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
        identity=identity(scan, settings.bids_dir, features, settings.scores_map)
        | processed_on(outputs.root, outputs.prefix),
        sources=source_files(scan, (settings.bids_dir, *settings.derivatives.values())),
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
        viewer=viewed(outputs),
        sections={**_without_result(scan, rows), **_sections(outputs)},
        quality=quality,
        quality_notes=unusual(_judged({**features, **quality}, outputs)),
        usual={name: usual.text for name, usual in USUAL.items()},
        positions=positions(outputs),
        features={name: value for name, value in features.items() if name not in quality},
        dictionary=dictionary_for([*features]),
        methods=participant_methods(
            facts.methods,
            space=outputs.space,
            versions=software_versions(),
            taken=described(facts.taken, settings),
        ),
        settings=settings_shown(settings.processing),
        versions=software_versions(),
    )
    path = outputs.root / f"{outputs.prefix}.html"
    write_text(path, render_participant(report))
    outputs.written.append(path)


def described(taken: Mapping[str, str], settings: Settings) -> dict[str, str]:
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


def _judged(measures: Mapping[str, object], outputs: Outputs) -> dict[str, object]:
    """Measures that have a usual range: images of other contrasts are unlike the template."""
    t1w = outputs.head is None or outputs.head.name.endswith("_T1w.nii.gz")
    return {k: v for k, v in measures.items() if t1w or k not in _OF_T1W}


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
    end = "its processing failed: see the reason at the top of this page."
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
    return (f"No lesion mask {found}: the brain was processed as if there were no lesion.",)
