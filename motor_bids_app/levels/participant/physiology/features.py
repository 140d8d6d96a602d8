"""Numbers of one participant and session from the cleaned EEG and EMG."""

from motor_bids_app.bids.recordings import at_once
from motor_bids_app.features.signals import (
    affected,
    eeg_features,
    emg_features,
    muscle_coherence,
)
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.levels.participant.physiology.files import cleaned_path, load_cleaned
from motor_bids_app.reports.participant import signal_checks


def measure_signals(outputs: Outputs, lesion_side: str) -> tuple[dict[str, float], Facts]:
    """Measure what was saved of EEG and EMG; also by the side of the lesion, where it is known.

    Parameters
    ----------
    outputs : Outputs
    lesion_side : str
        Of the brain: left, right, or another word or none where that is not told.
    """
    eeg, emg = load_cleaned(outputs, "eeg"), load_cleaned(outputs, "emg")
    facts = Facts()
    features: dict[str, float] = {}
    if eeg:
        features |= eeg_features(*eeg)
        facts.methods.append("signal_rhythms")
        if not any("_motor_" in name for name in features):
            facts.notes.append(
                "The EEG has no good channel above the motor cortices (C3 and C4 or next to them), "
                "so their rhythms are missing."
            )
    if emg:
        muscles = emg_features(*emg)
        features |= muscles
        if muscles:
            facts.methods.append("signal_muscles")
        else:
            facts.notes.append(
                "No good EMG channel tells its side in its name or target_muscle (as EDC_L), so "
                "muscles are not measured."
            )
    paths = [cleaned_path(outputs, kind) for kind in ("eeg", "emg")]
    if eeg and emg and paths[0] and paths[1] and not at_once(paths[0], paths[1]):
        facts.notes.append(
            f"{paths[0].name} and {paths[1].name} were not recorded at the same time, so that the "
            "coherence of muscle and cortex is not measured."
        )
    elif eeg and emg:
        coherent, found = muscle_coherence(eeg[0], emg[0], eeg[1], emg[1])
        features |= coherent
        if found.values:
            facts.methods.append("signal_coherence")
            outputs.save_figure(signal_checks.muscle_coherence(found))
    return features | affected(features, lesion_side), facts
