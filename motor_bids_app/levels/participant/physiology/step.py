"""The steps eeg and emg: read, preprocess, save."""

from motor_bids_app.bids.recordings import RecordingFile
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.levels.participant.physiology.files import (
    save_figures,
    save_recording,
    save_windows,
)
from motor_bids_app.levels.participant.physiology.preprocess import preprocess_eeg, preprocess_emg
from motor_bids_app.levels.participant.physiology.read import read_recording
from motor_bids_app.settings import ProcessingSettings

_PREPROCESS = {"eeg": preprocess_eeg, "emg": preprocess_emg}


def run_signals(file: RecordingFile, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save a cleaned recording, its windows, figures and measures.

    Raises
    ------
    DataError, ReadWriteError
        The recording cannot be used; the message names it.
    """
    recording, notes = read_recording(file, settings.physiology.events)
    try:
        found = _PREPROCESS[file.kind](recording, settings)
    except DataError as error:
        raise DataError(f"{file.path.name}: {error}") from error
    save_recording(found.cleaned, file, outputs)
    save_windows(found.windows, found.cleaned, file, outputs)
    save_figures(found.cleaned, found.windows, file.kind, outputs)
    facts = Facts(methods=found.methods, quality=found.quality, notes=[*notes, *found.notes])
    outputs.save_facts(file.kind, facts)
