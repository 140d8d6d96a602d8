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
        sentence="Notches 2 Hz wide took the mains, as the dataset names it, and its multiples.",
    ),
    "eeg_mains_found": MethodStep(
        paragraph=SIGNALS,
        sentence="The dataset does not name the mains: it was found in the spectra of the EEG, and "
        "notches 2 Hz wide took it and its multiples.",
    ),
    "eeg_bad_channels": MethodStep(
        paragraph=SIGNALS,
        sentence="Channels that were flat, clipped, far louder than the others or that correlated "
        "with no other were bad (after Bigdely-Shamlo et al. 2015).",
        references=("Bigdely-Shamlo et al. 2015",),
    ),
    "eeg_components": MethodStep(
        paragraph=SIGNALS,
        sentence="Eye and muscle artefacts were taken out as components of FastICA (Hyvärinen "
        "1999) that went with the eyes' or frontal channels and were frontal, or that lay at "
        "the margin of the cap with a spectrum that did not fall as that of a brain does (after "
        "Dharmaprani et al. 2016).",
        references=("Hyvärinen 1999", "Dharmaprani et al. 2016"),
    ),
    "eeg_interpolation": MethodStep(
        paragraph=SIGNALS,
        sentence="Bad channels were interpolated by spherical splines (Perrin et al. 1989).",
        references=("Perrin et al. 1989",),
    ),
    "eeg_reference": MethodStep(
        paragraph=SIGNALS, sentence="The EEG was referred to the average of its channels."
    ),
    "emg_filter": MethodStep(
        paragraph=SIGNALS,
        sentence="The EMG was read and filtered likewise, with a band of its own.",
    ),
    "emg_mains": MethodStep(
        paragraph=SIGNALS, sentence="The mains, as the dataset names it, was taken from it too."
    ),
    "emg_mains_found": MethodStep(
        paragraph=SIGNALS, sentence="The mains, as found in its spectra, was taken from it too."
    ),
    "signal_windows": MethodStep(
        paragraph=SIGNALS,
        sentence="Recordings were cut into windows without overlap; those of which more than a "
        "tenth had artefacts were left out.",
    ),
    "signal_rhythms": MethodStep(
        paragraph=SIGNALS,
        sentence="Power of mu and beta was measured above either motor cortex, and slowing as the "
        "ratio of delta to alpha (Finnigan et al. 2016) and the brain symmetry index (van Putten "
        "2007).",
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
        "1995); what chance gives in as many segments was taken off.",
        references=("Halliday et al. 1995",),
    ),
}
