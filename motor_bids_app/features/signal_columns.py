"""What the columns of EEG and EMG mean."""

from collections.abc import Iterator

# Quality starts with another word than measures, which models find by theirs: eeg, emg, cmc.
QUALITY = "recorded"
_QUALITY = {
    "seconds": ("Duration of the {} recording", "s"),
    "channels": ("Channels of the {}", "arbitrary"),
    "bad_channels": ("Channels of the {} that were bad", "arbitrary"),
    "interpolated": ("Bad channels of the {} that were made from their neighbours", "arbitrary"),
    "bad_share": ("Share of the {} recording that cannot be trusted", "arbitrary"),
    "windows": ("Windows of the {} that were kept", "arbitrary"),
    "rejected": ("Windows of the {} that were left out", "arbitrary"),
    "eye_components": ("Components of the {} taken out as eye movement", "arbitrary"),
    "muscle_components": ("Components of the {} taken out as muscle", "arbitrary"),
}
_SIDED = {  # text, unit, and what is on a side: hemisphere or limb
    "eeg_mu_motor": ("Power of 8 to 13 Hz above the {} motor cortex", "uV^2"),
    "eeg_beta_motor": ("Power of 13 to 30 Hz above the {} motor cortex", "uV^2"),
    "eeg_mu_suppression": (
        "Share of the power of 8 to 13 Hz above the {} motor cortex that work takes",
        "arbitrary",
    ),
    "eeg_beta_suppression": (
        "Share of the power of 13 to 30 Hz above the {} motor cortex that work takes",
        "arbitrary",
    ),
    "emg_envelope": ("Mean envelope at work of the strongest muscle of the {} limb", "uV"),
    "emg_cocontraction": (
        "Common area of two antagonists' envelopes over their mean area, {} limb",
        "arbitrary",
    ),
    "cmc_beta": (
        "Mean coherence, 15 to 30 Hz, of the strongest muscle of the {} limb with the opposite "
        "motor cortex, less that of chance",
        "arbitrary",
    ),
}
_AFFECTED = {"eeg": "lesioned side's", "emg": "affected", "cmc": "affected"}


def signal_columns() -> Iterator[tuple[str, tuple[str, str]]]:
    """Each column with its description and unit."""
    for kind in ("eeg", "emg"):
        for name, (text, unit) in _QUALITY.items():
            yield f"{QUALITY}_{kind}_{name}", (text.format(kind.upper()), unit)
    yield (
        "eeg_delta_alpha_ratio",
        ("Power of 1 to 4 Hz over that of 8 to 13 Hz, mean of channels", "arbitrary"),
    )
    yield (
        "eeg_symmetry_index",
        (
            "Difference of the spectra of both hemispheres, 1 to 25 Hz, over their sum, mean",
            "arbitrary",
        ),
    )
    yield f"{QUALITY}_cmc_seconds", ("Seconds of work that the coherence was measured in", "s")
    for name, (text, unit) in _SIDED.items():
        for side in ("left", "right", _AFFECTED[name.split("_")[0]]):
            ending = side if side in ("left", "right") else "affected"
            yield f"{name}_{ending}", (text.format(side), unit)
        difference = "suppression" in name or name.startswith("cmc")
        formula = "left - right" if difference else "(left - right) / (left + right)"
        plain = text.format("").replace("  ", " ").strip(" ,")
        yield f"{name}_asymmetry", (f"Asymmetry, {formula}: {plain}", "arbitrary")


# Regular expression of the measures, for models of EEG and EMG: these columns and no others.
PHYSIOLOGY = "|".join(name for name, _ in signal_columns() if not name.startswith(QUALITY))
