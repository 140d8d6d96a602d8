"""EEG and EMG of one participant: from raw recordings to clean ones, in windows."""

from motor_bids_app.bids.recordings import RecordingFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import DataError
from motor_bids_app.features.signal_columns import QUALITY
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.levels.participant.physiology.files import save_recording, save_windows
from motor_bids_app.levels.participant.physiology.read import read_recording
from motor_bids_app.physiology.cleaning import Cleaned, clean_eeg, clean_emg
from motor_bids_app.physiology.windows import Windows, cut_windows
from motor_bids_app.reports.participant import signal_checks
from motor_bids_app.settings import ProcessingSettings


def preprocess_eeg(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save the cleaned EEG, its windows, figures and measures.

    Raises
    ------
    DataError, ReadWriteError
        The recording cannot be used; the message names it.
    """
    assert scan.eeg is not None
    recording, notes = read_recording(scan.eeg)
    try:
        cleaned = clean_eeg(recording, settings.physiology, settings.random_seed)
        windows = _windows(cleaned, settings)
    except DataError as error:
        raise DataError(f"{scan.eeg.path.name}: {error}") from error
    facts = Facts(notes=[*notes, *cleaned.notes], methods=_eeg_methods(cleaned))
    facts.quality[f"{QUALITY}_eeg_interpolated"] = float(len(cleaned.interpolated))
    if cleaned.unmixed:
        for label, number in cleaned.components.items():
            facts.quality[f"{QUALITY}_eeg_{label}_components"] = float(number)
    _save(cleaned, windows, scan.eeg, outputs, facts)
    if cleaned.recording.located.any():
        outputs.save_figure(
            signal_checks.channel_map(cleaned.recording, cleaned.bad, cleaned.interpolated)
        )
    outputs.save_facts("eeg", facts)


def preprocess_emg(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save the cleaned EMG, its windows, figures and measures.

    Raises
    ------
    DataError, ReadWriteError
        The recording cannot be used; the message names it.
    """
    assert scan.emg is not None
    recording, notes = read_recording(scan.emg)
    try:
        cleaned = clean_emg(recording, settings.physiology)
        windows = _windows(cleaned, settings)
    except DataError as error:
        raise DataError(f"{scan.emg.path.name}: {error}") from error
    facts = Facts(notes=[*notes, *cleaned.notes], methods=["emg_filter", *_mains(cleaned, "emg")])
    _save(cleaned, windows, scan.emg, outputs, facts)
    outputs.save_facts("emg", facts)


def _windows(cleaned: Cleaned, settings: ProcessingSettings) -> Windows:
    return cut_windows(cleaned.recording, cleaned.bad_segments, settings.physiology.window)


def _save(
    cleaned: Cleaned, windows: Windows, file: RecordingFile, outputs: Outputs, facts: Facts
) -> None:
    """Save what both kinds have, and measure how well it went."""
    kind = file.kind
    facts.methods.append("signal_windows")
    measures = {
        f"{QUALITY}_{kind}_seconds": cleaned.recording.seconds,
        f"{QUALITY}_{kind}_channels": float(len(cleaned.recording.names)),
        f"{QUALITY}_{kind}_bad_channels": float(len(cleaned.bad)),
        f"{QUALITY}_{kind}_bad_share": float(cleaned.bad_segments.mean()),
        f"{QUALITY}_{kind}_windows": float(len(windows.onsets)),
        f"{QUALITY}_{kind}_rejected": float(windows.n_rejected),
    }
    facts.quality.update(measures)
    if cleaned.bad:
        listed = "; ".join(f"{name}: {reason}" for name, reason in cleaned.bad.items())
        facts.notes.append(f"Bad {kind.upper()} channels ({listed}).")
    if not cleaned.recording.events:
        facts.notes.append(
            f"The {kind.upper()} has no events, so work and rest are not told apart by them."
        )
    save_recording(cleaned, file, outputs)
    save_windows(windows, cleaned, file, outputs)
    outputs.save_figure(signal_checks.spectra(cleaned, kind))
    outputs.save_figure(signal_checks.rejected(cleaned, windows, kind))


def _eeg_methods(cleaned: Cleaned) -> list[str]:
    methods = ["eeg_filter", *_mains(cleaned, "eeg"), "eeg_bad_channels", "eeg_reference"]
    if cleaned.unmixed:
        methods.append("eeg_components")
    if cleaned.interpolated:
        methods.append("eeg_interpolation")
    return methods


def _mains(cleaned: Cleaned, kind: str) -> list[str]:
    if cleaned.mains is None:
        return []
    return [f"{kind}_mains_found" if cleaned.found else f"{kind}_mains"]
