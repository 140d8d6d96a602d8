"""Sentences of the methods text about bold."""

from motor_bids_app.reports.participant.signal_methods import MethodStep

BOLD = "Resting-state bold."
_NUISANCE = {"white_matter": "white matter", "csf": "cerebrospinal fluid"}
BOLD_STEPS = {  # in the order of the text; `space` is filled in
    "bold_dummies": MethodStep(
        paragraph=BOLD,
        sentence="Initial volumes, before the steady state, were discarded.",
    ),
    "bold_motion": MethodStep(
        paragraph=BOLD,
        sentence="Head motion was estimated by Gauss-Newton matching of each volume to the mean of "
        "all (after Baker and Matthews 2004); framewise displacement sums the changes of all six "
        "parameters (Power et al. 2012).",
        references=("Baker and Matthews 2004", "Power et al. 2012"),
    ),
    "bold_susceptibility_pair": MethodStep(
        paragraph=BOLD,
        sentence="Susceptibility distortion was estimated from images with opposite phase encoding "
        "(Andersson et al. 2003), by Gauss-Newton steps on a smooth field (after Ruthotto et al. "
        "2012); it is part of the one interpolation of the series, with the intensities that it "
        "had piled up.",
        references=("Andersson et al. 2003", "Ruthotto et al. 2012"),
    ),
    "bold_susceptibility_map": MethodStep(
        paragraph=BOLD,
        sentence="Susceptibility distortion was derived from a field map of gradient echoes "
        "(Jezzard and Balaban 1995), whose phase was unwrapped along a minimum spanning tree where "
        "that was needed (after Ching et al. 1992); it is part of the one interpolation of the "
        "series, with the intensities that it had piled up.",
        references=("Jezzard and Balaban 1995", "Ching et al. 1992"),
    ),
    "bold_susceptibility_head": MethodStep(
        paragraph=BOLD,
        sentence="Without images that show the field, susceptibility distortion of the bold was "
        "estimated by matching its mean to the anatomical image along the phase-encoding axis "
        "(after Kybic et al. 2000); it is part of the one interpolation of the series.",
        references=("Kybic et al. 2000",),
    ),
    "bold_susceptibility_none": MethodStep(
        paragraph=BOLD,
        sentence="Matching the mean BOLD image to the anatomical image showed no susceptibility "
        "distortion, and none was corrected.",
    ),
    "bold_susceptibility_refused": MethodStep(
        paragraph=BOLD,
        sentence="Susceptibility distortion was estimated but not corrected, as the correction "
        "would have made the BOLD less similar to the anatomical image.",
    ),
    "bold_susceptibility_left": MethodStep(
        paragraph=BOLD, sentence="Susceptibility distortion of the bold was not corrected."
    ),
    "bold_slice_timing": MethodStep(
        paragraph=BOLD,
        sentence="Slices were interpolated in time, by cubic splines, to the middle of the "
        "acquisition of their volume.",
    ),
    "bold_coregistration": MethodStep(
        paragraph=BOLD,
        sentence="The mean volume was registered rigidly to the anatomical image by the "
        "directions of edges (normalised gradient fields; Haber and Modersitzki 2006), and the "
        "series was brought to {space} at 3 mm with one interpolation, by cubic splines, through "
        "all transforms.",
        references=("Haber and Modersitzki 2006",),
    ),
    "finished_bold": MethodStep(
        paragraph=BOLD,
        sentence="The finished series was brought to {space} at 3 mm, by cubic splines, through "
        "the registration of the head that it had been aligned with.",
    ),
    "bold_scrubbing": MethodStep(
        paragraph=BOLD,
        sentence="Volumes with framewise displacement above the limit were excluded from the "
        "regression and from correlations.",
    ),
    "bold_cleaning": MethodStep(
        paragraph=BOLD,
        sentence="A linear trend, 24 motion terms (Friston et al. 1996), frequencies outside the "
        "band and the signals of tissue that are named next were removed in one projection "
        "(Lindquist et al. 2019), not in sequence; the global signal was not.",
        references=("Friston et al. 1996", "Lindquist et al. 2019"),
    ),
    **{
        f"bold_signal_{name}": MethodStep(
            paragraph=BOLD,
            sentence=f"The mean signal of {words}, without the lesion, was removed.",
        )
        for name, words in _NUISANCE.items()
    },
    "bold_global_signal": MethodStep(
        paragraph=BOLD,
        sentence="The confounds table also has the global signal, without the lesion, and cosine "
        "regressors (periods longer than 128 s); none of them was regressed out.",
    ),
    **{
        f"bold_compcor_{name}": MethodStep(
            paragraph=BOLD,
            sentence=f"It has the principal components of {words} (aCompCor; Behzadi et al. "
            "2007), computed after removal of the trend and of fluctuations slower than 128 s; "
            "they were not regressed out.",
            references=("Behzadi et al. 2007",),
        )
        for name, words in _NUISANCE.items()
    },
    "bold_smoothing": MethodStep(
        paragraph=BOLD,
        sentence="The series was smoothed with a Gaussian kernel within the brain, excluding the "
        "lesion.",
    ),
    "bold_connectivity": MethodStep(
        paragraph=BOLD,
        sentence="The mean time course of a seed in M1 on the side of the lesion was correlated "
        "with all voxels, over the whole series and in sliding windows (after Allen et al. 2014), "
        "and correlations were transformed to Fisher z.",
        references=("Allen et al. 2014",),
    ),
}
