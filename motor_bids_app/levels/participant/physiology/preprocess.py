"""EEG and EMG of one participant: from raw recordings to clean ones, in windows."""

from dataclasses import dataclass

from motor_bids_app.features.signal_columns import QUALITY
from motor_bids_app.physiology.cleaning import Cleaned, clean_eeg, clean_emg
from motor_bids_app.physiology.recording import Recording
from motor_bids_app.physiology.windows import Windows, cut_windows
from motor_bids_app.settings import ProcessingSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Preprocessed:
    """A recording of one kind, clean and in windows, and what is said of it.

    Parameters
    ----------
    cleaned : Cleaned
    windows : Windows
    methods : list of str
        What was done, as `reports.participant.methods` knows it.
    quality : dict of float
        Measures, as `features.columns` describes them.
    notes : list of str
        What a reader should know.
    """

    cleaned: Cleaned
    windows: Windows
    methods: list[str]
    quality: dict[str, float]
    notes: list[str]


def preprocess_eeg(recording: Recording, settings: ProcessingSettings) -> Preprocessed:
    """Clean the EEG channels of a recording and cut them into windows.

    Raises
    ------
    DataError
        The recording cannot be used.
    """
    cleaned = clean_eeg(recording, settings.physiology, settings.random_seed)
    windows = cut_windows(cleaned.recording, cleaned.bad_segments, settings.physiology.window)
    quality = {f"{QUALITY}_eeg_interpolated": float(len(cleaned.interpolated))}
    if cleaned.unmixed:
        for label, number in cleaned.components.items():
            quality[f"{QUALITY}_eeg_{label}_components"] = float(number)
    return Preprocessed(
        cleaned=cleaned,
        windows=windows,
        methods=_eeg_methods(cleaned),
        quality=quality | _measures(cleaned, windows, "eeg"),
        notes=_remarks(cleaned, "eeg"),
    )


def preprocess_emg(recording: Recording, settings: ProcessingSettings) -> Preprocessed:
    """Clean the EMG channels of a recording and cut them into windows.

    Raises
    ------
    DataError
        The recording cannot be used.
    """
    cleaned = clean_emg(recording, settings.physiology)
    windows = cut_windows(cleaned.recording, cleaned.bad_segments, settings.physiology.window)
    return Preprocessed(
        cleaned=cleaned,
        windows=windows,
        methods=["emg_filter", *_mains(cleaned, "emg")],
        quality=_measures(cleaned, windows, "emg"),
        notes=_remarks(cleaned, "emg"),
    )


def _measures(cleaned: Cleaned, windows: Windows, kind: str) -> dict[str, float]:
    return {
        f"{QUALITY}_{kind}_seconds": cleaned.recording.seconds,
        f"{QUALITY}_{kind}_channels": float(len(cleaned.recording.names)),
        f"{QUALITY}_{kind}_bad_channels": float(len(cleaned.bad)),
        f"{QUALITY}_{kind}_bad_share": float(cleaned.bad_segments.mean()),
        f"{QUALITY}_{kind}_windows": float(len(windows.onsets)),
        f"{QUALITY}_{kind}_rejected": float(windows.n_rejected),
    }


def _remarks(cleaned: Cleaned, kind: str) -> list[str]:
    notes = [*cleaned.notes]
    if cleaned.bad:
        listed = "; ".join(f"{name}: {reason}" for name, reason in cleaned.bad.items())
        notes.append(f"Bad {kind.upper()} channels ({listed}).")
    if not cleaned.recording.events:
        notes.append(f"The {kind.upper()} has no events, so work and rest cannot be distinguished.")
    return notes


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
