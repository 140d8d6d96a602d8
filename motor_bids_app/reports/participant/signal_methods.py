"""Sentences of the methods text about EEG and EMG, and the form of any such sentence."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MethodStep:
    """A sentence, its paragraph, and the keys of works that it cites."""

    paragraph: str
    sentence: str
    references: tuple[str, ...] = ()


SIGNALS = "EEG and EMG."
SIGNAL_STEPS = {  # in the order of the text
    "eeg_filter": MethodStep(
        paragraph=SIGNALS,
        sentence="The EEG was read with MNE-BIDS (Appelhoff et al. 2019) and MNE-Python (Gramfort "
        "et al. 2013), filtered by Butterworth filters of fourth order, forwards and backwards, "
        "and resampled.",
        references=("Appelhoff et al. 2019", "Gramfort et al. 2013"),
    ),
    "eeg_mains": MethodStep(
        paragraph=SIGNALS,
        sentence="Notch filters 2 Hz wide removed the mains frequency given by the dataset and "
        "its harmonics.",
    ),
    "eeg_mains_found": MethodStep(
        paragraph=SIGNALS,
        sentence="The dataset does not give the mains frequency: it was found in the spectra of "
        "the EEG, and notch filters 2 Hz wide removed it and its harmonics.",
    ),
    "eeg_bad_channels": MethodStep(
        paragraph=SIGNALS,
        sentence="Channels that were flat, clipped, of far larger amplitude than the others, or "
        "correlated with no other were marked as bad (after Bigdely-Shamlo et al. 2015).",
        references=("Bigdely-Shamlo et al. 2015",),
    ),
    "eeg_components": MethodStep(
        paragraph=SIGNALS,
        sentence="Eye and muscle artefacts were removed as FastICA components (Hyvärinen 1999) "
        "that correlated with eye or frontal channels and were frontal, or that lay at the margin "
        "of the cap with a spectrum that did not fall off like that of brain activity (after "
        "Dharmaprani et al. 2016).",
        references=("Hyvärinen 1999", "Dharmaprani et al. 2016"),
    ),
    "eeg_interpolation": MethodStep(
        paragraph=SIGNALS,
        sentence="Bad channels were interpolated by spherical splines (Perrin et al. 1989).",
        references=("Perrin et al. 1989",),
    ),
    "eeg_reference": MethodStep(
        paragraph=SIGNALS, sentence="The EEG was re-referenced to the average of its channels."
    ),
    "emg_filter": MethodStep(
        paragraph=SIGNALS,
        sentence="The EMG was read and filtered in the same way, with its own pass band.",
    ),
    "emg_mains": MethodStep(
        paragraph=SIGNALS,
        sentence="The mains frequency given by the dataset was removed from it too.",
    ),
    "emg_mains_found": MethodStep(
        paragraph=SIGNALS,
        sentence="The mains frequency found in its spectra was removed from it too.",
    ),
    "signal_windows": MethodStep(
        paragraph=SIGNALS,
        sentence="Recordings were cut into windows without overlap; windows with artefacts in "
        "more than a tenth of their duration were rejected.",
    ),
    "signal_rhythms": MethodStep(
        paragraph=SIGNALS,
        sentence="Power of mu and beta was measured above either motor cortex, and slowing as the "
        "delta/alpha ratio (Finnigan et al. 2016) and the brain symmetry index (van Putten 2007).",
        references=("Finnigan et al. 2016", "van Putten 2007"),
    ),
    "signal_muscles": MethodStep(
        paragraph=SIGNALS,
        sentence="The rectified EMG gave envelopes and, of antagonists, the index of "
        "co-contraction of Falconer and Winter (1985).",
        references=("Falconer and Winter 1985",),
    ),
    "signal_coherence": MethodStep(
        paragraph=SIGNALS,
        sentence="Corticomuscular coherence was measured between the rectified EMG of each limb's "
        "strongest muscle and the EEG above the opposite motor cortex (after Halliday et al. "
        "1995); the value expected by chance for that number of segments was subtracted.",
        references=("Halliday et al. 1995",),
    ),
}
