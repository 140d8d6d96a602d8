"""The sentences of the methods text of the participant level, by step."""

from motor_bids_app.reports.participant.bold_methods import BOLD, BOLD_STEPS
from motor_bids_app.reports.participant.signal_methods import SIGNAL_STEPS, SIGNALS, MethodStep

_ANATOMY, _DIFFUSION, _MEASURES = "Anatomical images.", "Diffusion images.", "Measures."
PARAGRAPHS = (_ANATOMY, _DIFFUSION, BOLD, SIGNALS, _MEASURES)
STEPS = {  # in the order of the text; `space` is filled in
    "reorient": MethodStep(
        paragraph=_ANATOMY,
        sentence="The anatomical image was turned to the nearest canonical (RAS) orientation.",
    ),
    "average": MethodStep(
        paragraph=_ANATOMY,
        sentence="Its runs that agreed were registered rigidly to the first and averaged.",
    ),
    "denoise": MethodStep(
        paragraph=_ANATOMY,
        sentence="It was denoised by non-local means over neighbouring voxels (after Coupé et al. "
        "2008).",
        references=("Coupé et al. 2008",),
    ),
    "bias": MethodStep(
        paragraph=_ANATOMY,
        sentence="Intensity non-uniformity was corrected with N4 (Tustison et al. 2010), as "
        "implemented in SimpleITK.",
        references=("Tustison et al. 2010",),
    ),
    "brain_mask": MethodStep(
        paragraph=_ANATOMY,
        sentence="Unless it had been extracted before, the brain was found with deepbet, a "
        "convolutional network (Fisch et al. 2024).",
        references=("Fisch et al. 2024",),
    ),
    "contrasts": MethodStep(
        paragraph=_ANATOMY,
        sentence="Further contrasts (T2w, FLAIR) were corrected for intensity non-uniformity, not "
        "denoised, and registered rigidly to it.",
    ),
    "registration": MethodStep(
        paragraph=_ANATOMY,
        sentence="The image was registered to the symmetric template {space} (Fonov et al. 2009), "
        "first affinely, then by a greedy diffeomorphic method that maximises the local "
        "cross-correlation (after Avants et al. 2008).",
        references=("Fonov et al. 2009", "Avants et al. 2008"),
    ),
    "lesion_weighting": MethodStep(
        paragraph=_ANATOMY,
        sentence="Voxels in the lesion did not count in the registration (cost function masking, "
        "Brett et al. 2001), nor in the class statistics of the segmentation; at the coarse scales "
        "of the deformation the other side of the brain stood in for lesions of 30 ml or more "
        "(after Nachev et al. 2008).",
        references=("Brett et al. 2001", "Nachev et al. 2008"),
    ),
    "tissue": MethodStep(
        paragraph=_ANATOMY,
        sentence="Grey matter, white matter and cerebrospinal fluid were segmented by a generative "
        "model (after Ashburner and Friston 2005): a mixture of Gaussians, their partial volumes "
        "and altered white matter, with the tissue frequencies of the template, the deep nuclei of "
        "CerebrA (Manera et al. 2020) and the rest of the bias field, fitted by expectation "
        "maximisation, and a Markov random field (Zhang et al. 2001).",
        references=("Ashburner and Friston 2005", "Manera et al. 2020", "Zhang et al. 2001"),
    ),
    "standard_lesion": MethodStep(
        paragraph=_ANATOMY,
        sentence="The lesion mask was given in a standard space and resampled to the grid of "
        "{space}, by the displacement between the templates where it was another MNI152 space.",
    ),
    "dwi_runs": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Runs of one protocol were joined into one series, at the brightness of the first "
        "by their volumes without weighting.",
    ),
    "dwi_denoise": MethodStep(
        paragraph=_DIFFUSION,
        sentence="The diffusion series was denoised by MP-PCA (Veraart et al. 2016) in overlapping "
        "patches, which were averaged (Manjón et al. 2013).",
        references=("Veraart et al. 2016", "Manjón et al. 2013"),
    ),
    "dwi_gibbs": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Gibbs ringing was removed by local subvoxel shifts (Kellner et al. 2016).",
        references=("Kellner et al. 2016",),
    ),
    "dwi_motion": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Head motion and linear eddy-current distortion were corrected by registering "
        "each volume to what the others of its shell predict, and their mean to the first b = 0 "
        "volume; gradient directions were turned with the head (Leemans and Jones 2009). Shifts "
        "of whole volumes that follow the gradient are counted as eddy currents, not as motion "
        "(Andersson and Sotiropoulos 2016).",
        references=("Leemans and Jones 2009", "Andersson and Sotiropoulos 2016"),
    ),
    "dwi_eddy_quadratic": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Quadratic fields of eddy currents, in proportion to the gradient (after "
        "Andersson and Sotiropoulos 2016), were undone too, as those of one half of the brain "
        "explained the other half better than linear fields.",
        references=("Andersson and Sotiropoulos 2016",),
    ),
    "dwi_outliers": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Slices whose mean signal fell far below a robust fit over directions did not "
        "count in the tensor.",
    ),
    "dwi_replaced": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Nor did they count in motion correction; in the corrected series they were "
        "replaced by what the other directions of their shell predict by a tensor (after Andersson "
        "et al. 2016).",
        references=("Andersson et al. 2016",),
    ),
    "dwi_drift": MethodStep(
        paragraph=_DIFFUSION,
        sentence="The drift of the gain, seen in the b = 0 volumes, was divided out (Vos et al. "
        "2017).",
        references=("Vos et al. 2017",),
    ),
    "dwi_bias": MethodStep(
        paragraph=_DIFFUSION,
        sentence="All volumes were divided by the bias field that N4 finds in the mean b = 0 "
        "volume, which changes S0 and no map of diffusion.",
    ),
    "susceptibility_pair": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Susceptibility distortion was estimated from images with opposite phase encoding "
        "(Andersson et al. 2003), by Gauss-Newton steps on a smooth field (after Ruthotto et al. "
        "2012), and undone along the phase-encoding axis with the intensities it had piled up.",
        references=("Andersson et al. 2003", "Ruthotto et al. 2012"),
    ),
    "susceptibility_map": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Susceptibility distortion was derived from a field map of gradient echoes "
        "(Jezzard and Balaban 1995), whose phase was unwrapped along a minimum spanning tree where "
        "that was needed (after Ching et al. 1992), and undone along the phase-encoding axis with "
        "the intensities it had piled up.",
        references=("Jezzard and Balaban 1995", "Ching et al. 1992"),
    ),
    "susceptibility_head": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Without images of opposite phase encoding, susceptibility distortion was "
        "estimated by matching the mean b = 0 volume to the anatomical image along the "
        "phase-encoding axis (after Kybic et al. 2000), and undone.",
        references=("Kybic et al. 2000",),
    ),
    "susceptibility_none": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Matching the mean b = 0 volume to the anatomical image showed no susceptibility "
        "distortion, and none was corrected.",
    ),
    "susceptibility_left": MethodStep(
        paragraph=_DIFFUSION, sentence="Susceptibility distortion was not corrected."
    ),
    "gradient_axes": MethodStep(
        paragraph=_DIFFUSION,
        sentence="Axes of the gradient table were corrected by the coherence of fibres (after "
        "Schilling et al. 2019).",
        references=("Schilling et al. 2019",),
    ),
    "tensor": MethodStep(
        paragraph=_DIFFUSION,
        sentence="A tensor was fitted by weighted linear least squares (Veraart et al. 2013), and "
        "fractional anisotropy and mean, radial and axial diffusivity were derived.",
        references=("Veraart et al. 2013",),
    ),
    "trace": MethodStep(
        paragraph=_DIFFUSION,
        sentence="The series has too few directions for a tensor, so only mean diffusivity was "
        "derived from it.",
    ),
    "coregistration": MethodStep(
        paragraph=_DIFFUSION,
        sentence="The mean b = 0 volume was registered rigidly to the anatomical image by the "
        "directions of edges (normalised gradient fields; Haber and Modersitzki 2006), and the "
        "maps were brought to {space} with one interpolation through all transforms.",
        references=("Haber and Modersitzki 2006",),
    ),
    "finished_coregistration": MethodStep(
        paragraph=_DIFFUSION,
        sentence="The image that the finished diffusion data had been aligned with was registered "
        "rigidly to the anatomical image, unless they were the same, and the maps were brought to "
        "{space} with one interpolation through all transforms.",
    ),
    **BOLD_STEPS,
    **SIGNAL_STEPS,
    "tract_load": MethodStep(
        paragraph=_MEASURES,
        sentence="Lesion load of the corticospinal tract was measured on the tract of the HCP842 "
        "tractography atlas (Yeh et al. 2018), from the cortex to the medulla (z = -50 mm), made "
        "symmetric, plainly and weighted by the cross-section of the tract (after Feng et al. "
        "2015), in the standard space and, where there is a head image, on its own voxels.",
        references=("Yeh et al. 2018", "Feng et al. 2015"),
    ),
    "disconnection": MethodStep(
        paragraph=_MEASURES,
        sentence="Structural disconnection was the share of streamlines that enter the lesion: of "
        "each bundle of the HCP842 tractography atlas (Yeh et al. 2018), and of those that end in "
        "each region of CerebrA or join two of them (as in Griffis et al. 2021), streamlines and "
        "their mirror images taken together.",
        references=("Yeh et al. 2018", "Griffis et al. 2021"),
    ),
    "regions": MethodStep(
        paragraph=_MEASURES,
        sentence="Maps were averaged outside the lesion in the motor regions of the CerebrA atlas "
        "(Manera et al. 2020), with the asymmetry between sides; regions of which less than half "
        "was scanned were left out.",
        references=("Manera et al. 2020",),
    ),
}
