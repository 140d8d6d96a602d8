"""Columns that measure the images themselves: volumes, quality, motion, coupling of the bold."""

MEASURES: dict[str, tuple[str, str]] = {  # description and unit, by column
    "gm_ml": ("Volume of grey matter in the head image, lesion left out", "ml"),
    "wm_ml": ("Volume of white matter in the head image, lesion left out", "ml"),
    "csf_ml": ("Volume of fluid in the brain mask of the head image", "ml"),
    "gm_wm_ratio": ("Grey over white matter by volume", "arbitrary"),
    "white_matter_fa": ("Median FA of the template's white matter, lesion left out", "arbitrary"),
    "white_matter_md": ("Median MD of the template's white matter, lesion left out", "mm^2/s"),
    "snr_wm": ("Mean over standard deviation of white matter in the head image", "arbitrary"),
    **{
        f"{name}_{contrast.lower()}": (f"{words} of the {contrast}, without a T1w", "arbitrary")
        for contrast in ("T2w", "FLAIR")
        for name, words in (
            ("snr_wm", "Mean over standard deviation of white matter"),
            ("cnr", "Contrast of grey to white matter over their standard deviation"),
        )
    },
    "grey_white_contrast": (
        "Grey minus white matter intensity of a T2w or FLAIR in standard deviations, where the "
        "template is certain of both; below 0.7 there are no tissue maps",
        "arbitrary",
    ),
    "cnr": ("Contrast of grey to white matter over their standard deviation", "arbitrary"),
    "snr_b0": ("Median signal over noise of the brain without diffusion weighting", "arbitrary"),
    "snr_dwi": ("Median signal over noise of the brain with weighting", "arbitrary"),
    "noise_dwi": ("Median standard deviation of the noise of the dwi", "arbitrary"),
    "tensor_residual": (
        "Median over the brain of what the tensor leaves of the signals, relative to S0",
        "arbitrary",
    ),
    "gradient_coherence": (
        "Coherence of fibres by the gradient table, relative to the best order and signs of axes",
        "arbitrary",
    ),
    "dwi_drift": ("Largest change of the gain during the dwi, from its b0 volumes", "percent"),
    "dwi_distortion": (
        "Mean displacement in the brain by susceptibility distortion that was undone",
        "mm",
    ),
    "dwi_outlier_volumes": ("Weighted volumes that lost a tenth of their slices", "arbitrary"),
    "dwi_outlier_slices": ("Share of the slices of the dwi that lost their signal", "arbitrary"),
    "dwi_replaced_slices": (
        "Slices of the dwi that lost their signal and were given what other directions predict",
        "arbitrary",
    ),
    "dwi_shell_jump": (
        "Largest misalignment between the volumes of one b-value and the adjacent b = 0 volumes, "
        "in mm or degrees, whichever is larger",
        "arbitrary",
    ),
    "dwi_coverage": ("Share of the template's brain that has diffusion maps", "arbitrary"),
    "brain_dice": ("Overlap of the brain mask with that of the template (Dice)", "arbitrary"),
    "brain_coverage": ("Share of the template's brain that is in the image", "arbitrary"),
    "head_scanned": (
        "Share of the template's brain in the field of view of the head image",
        "arbitrary",
    ),
    "template_correlation": (
        "Correlation of the head image with the template in the brain, without the lesion",
        "arbitrary",
    ),
    "motion_mean_fd": ("Mean framewise displacement of the dwi", "mm"),
    "motion_max_fd": ("Largest framewise displacement of the dwi", "mm"),
    "motion_high_share": ("Share of dwi volumes displaced by more than 0.5 mm", "arbitrary"),
    "motion_max_translation": ("Largest translation of the head during the dwi", "mm"),
    "motion_max_rotation": ("Largest rotation of the head during the dwi", "degree"),
    "bold_mean_fd": ("Mean framewise displacement of the bold", "mm"),
    "bold_max_fd": ("Largest framewise displacement of the bold", "mm"),
    "bold_high_share": ("Share of bold volumes displaced by more than 0.5 mm", "arbitrary"),
    "bold_max_translation": ("Largest translation of the head during the bold", "mm"),
    "bold_max_rotation": ("Largest rotation of the head during the bold", "degree"),
    "bold_high_motion": (
        "1 where the head moved beyond the limit along or about an axis during the bold, else 0",
        "arbitrary",
    ),
    "bold_tsnr": ("Median over the brain of the mean bold over its deviation in time", "arbitrary"),
    "bold_std_dvars": ("Mean standardised change between bold volumes; 1 is usual", "arbitrary"),
    "bold_coverage": ("Share of the template's brain where the bold has a signal", "arbitrary"),
    "dwi_coregistration_similarity": (
        "Share of the head's edges that edges of the b = 0 volume meet; below 0.4 it is doubtful",
        "arbitrary",
    ),
    "bold_coregistration_similarity": (
        "Share of the head's edges that edges of the bold meet; below 0.4 its place is doubtful",
        "arbitrary",
    ),
    "lesion_coregistration_similarity": (
        "Share of the head's edges that edges of the image meet that the lesion was drawn on",
        "arbitrary",
    ),
    "bold_similarity_uncorrected": (
        "The same without the correction of distortion, which is kept if it does not lower this",
        "arbitrary",
    ),
    "bold_distortion": (
        "Mean displacement in the brain by susceptibility distortion of the bold that was undone",
        "mm",
    ),
    "bold_volumes": ("Volumes of the bold that were used", "arbitrary"),
    "bold_dropped": ("Volumes dropped at the start of the bold", "arbitrary"),
    "bold_scrubbed": ("Volumes of the bold that do not count for motion", "arbitrary"),
    "bold_degrees": ("Degrees of freedom of the bold after cleaning", "arbitrary"),
    "m1_seed_share": ("Part of the seed in M1 that is intact and has a signal", "arbitrary"),
    "m1_seed_moved": ("Mean distance to the voxels that stand in for the seed in M1", "mm"),
    "m1_coupling": ("Fisher z of left with right M1 over the whole bold", "arbitrary"),
    "m1_coupling_mean": ("Mean over windows of the Fisher z of left with right M1", "arbitrary"),
    "m1_coupling_std": ("SD over windows of the Fisher z of left with right M1", "arbitrary"),
}
