"""The works that the methods text of the participant level cites."""

from motor_bids_app.reports.pages import Reference

REFERENCES = {
    reference.key: reference
    for reference in (
        Reference(
            key="Tustison et al. 2010",
            citation="Tustison NJ, Avants BB, Cook PA, Zheng Y, Egan A, Yushkevich PA, Gee JC. "
            "N4ITK: improved N3 bias correction. IEEE Trans Med Imaging 29:1310-1320, 2010.",
            doi="10.1109/TMI.2010.2046908",
        ),
        Reference(
            key="Coupé et al. 2008",
            citation="Coupé P, Yger P, Prima S, Hellier P, Kervrann C, Barillot C. An optimized "
            "blockwise nonlocal means denoising filter for 3-D magnetic resonance images. IEEE "
            "Trans Med Imaging 27:425-441, 2008.",
            doi="10.1109/TMI.2007.906087",
        ),
        Reference(
            key="Fisch et al. 2024",
            citation="Fisch L, Zumdick S, Barkhau C, et al. deepbet: fast brain extraction of "
            "T1-weighted MRI using convolutional neural networks. Comput Biol Med 179:108845, "
            "2024.",
            doi="10.1016/j.compbiomed.2024.108845",
        ),
        Reference(
            key="Avants et al. 2008",
            citation="Avants BB, Epstein CL, Grossman M, Gee JC. Symmetric diffeomorphic image "
            "registration with cross-correlation. Med Image Anal 12:26-41, 2008.",
            doi="10.1016/j.media.2007.06.004",
        ),
        Reference(
            key="Brett et al. 2001",
            citation="Brett M, Leff AP, Rorden C, Ashburner J. Spatial normalization of brain "
            "images with focal lesions using cost function masking. NeuroImage 14:486-500, 2001.",
            doi="10.1006/nimg.2001.0845",
        ),
        Reference(
            key="Ashburner and Friston 2005",
            citation="Ashburner J, Friston KJ. Unified segmentation. NeuroImage 26:839-851, 2005.",
            doi="10.1016/j.neuroimage.2005.02.018",
        ),
        Reference(
            key="Nachev et al. 2008",
            citation="Nachev P, Coulthard E, Jäger HR, Kennard C, Husain M. Enantiomorphic "
            "normalization of focally lesioned brains. NeuroImage 39:1215-1226, 2008.",
            doi="10.1016/j.neuroimage.2007.10.002",
        ),
        Reference(
            key="Fonov et al. 2009",
            citation="Fonov VS, Evans AC, McKinstry RC, Almli CR, Collins DL. Unbiased nonlinear "
            "average age-appropriate brain templates from birth to adulthood. NeuroImage "
            "47:S102, 2009.",
            doi="10.1016/S1053-8119(09)70884-5",
        ),
        Reference(
            key="Ashburner and Friston 2005",
            citation="Ashburner J, Friston KJ. Unified segmentation. NeuroImage 26:839-851, 2005.",
            doi="10.1016/j.neuroimage.2005.02.018",
        ),
        Reference(
            key="Zhang et al. 2001",
            citation="Zhang Y, Brady M, Smith S. Segmentation of brain MR images through a hidden "
            "Markov random field model and the expectation-maximization algorithm. IEEE Trans Med "
            "Imaging 20:45-57, 2001.",
            doi="10.1109/42.906424",
        ),
        Reference(
            key="Veraart et al. 2016",
            citation="Veraart J, Novikov DS, Christiaens D, Ades-aron B, Sijbers J, Fieremans E. "
            "Denoising of diffusion MRI using random matrix theory. NeuroImage 142:394-406, 2016.",
            doi="10.1016/j.neuroimage.2016.08.016",
        ),
        Reference(
            key="Manjón et al. 2013",
            citation="Manjón JV, Coupé P, Concha L, Buades A, Collins DL, Robles M. Diffusion "
            "weighted image denoising using overcomplete local PCA. PLoS ONE 8:e73021, 2013.",
            doi="10.1371/journal.pone.0073021",
        ),
        Reference(
            key="Kellner et al. 2016",
            citation="Kellner E, Dhital B, Kiselev VG, Reisert M. Gibbs-ringing artifact removal "
            "based on local subvoxel-shifts. Magn Reson Med 76:1574-1581, 2016.",
            doi="10.1002/mrm.26054",
        ),
        Reference(
            key="Leemans and Jones 2009",
            citation="Leemans A, Jones DK. The B-matrix must be rotated when correcting for "
            "subject motion in DTI data. Magn Reson Med 61:1336-1349, 2009.",
            doi="10.1002/mrm.21890",
        ),
        Reference(
            key="Vos et al. 2017",
            citation="Vos SB, Tax CMW, Luijten PR, et al. The importance of correcting for signal "
            "drift in diffusion MRI. Magn Reson Med 77:285-299, 2017.",
            doi="10.1002/mrm.26124",
        ),
        Reference(
            key="Andersson et al. 2003",
            citation="Andersson JLR, Skare S, Ashburner J. How to correct susceptibility "
            "distortions in spin-echo echo-planar images: application to diffusion tensor "
            "imaging. NeuroImage 20:870-888, 2003.",
            doi="10.1016/S1053-8119(03)00336-7",
        ),
        Reference(
            key="Behzadi et al. 2007",
            citation="Behzadi Y, Restom K, Liau J, Liu TT. A component based noise correction "
            "method (CompCor) for BOLD and perfusion based fMRI. NeuroImage 37:90-101, 2007.",
            doi="10.1016/j.neuroimage.2007.04.042",
        ),
        Reference(
            key="Andersson and Sotiropoulos 2016",
            citation="Andersson JLR, Sotiropoulos SN. An integrated approach to correction for "
            "off-resonance effects and subject movement in diffusion MR imaging. NeuroImage "
            "125:1063-1078, 2016.",
            doi="10.1016/j.neuroimage.2015.10.019",
        ),
        Reference(
            key="Andersson et al. 2016",
            citation="Andersson JLR, Graham MS, Zsoldos E, Sotiropoulos SN. Incorporating outlier "
            "detection and replacement into a non-parametric framework for movement and distortion "
            "correction of diffusion MR images. NeuroImage 141:556-572, 2016.",
            doi="10.1016/j.neuroimage.2016.06.058",
        ),
        Reference(
            key="Jezzard and Balaban 1995",
            citation="Jezzard P, Balaban RS. Correction for geometric distortion in echo planar "
            "images from B0 field variations. Magn Reson Med 34:65-73, 1995.",
            doi="10.1002/mrm.1910340111",
        ),
        Reference(
            key="Ching et al. 1992",
            citation="Ching NH, Rosenfeld D, Braun M. Two-dimensional phase unwrapping using a "
            "minimum spanning tree algorithm. IEEE Trans Image Process 1:355-365, 1992.",
            doi="10.1109/83.148608",
        ),
        Reference(
            key="Ruthotto et al. 2012",
            citation="Ruthotto L, Kugel H, Olesch J, et al. Diffeomorphic susceptibility artifact "
            "correction of diffusion-weighted magnetic resonance images. Phys Med Biol "
            "57:5715-5731, 2012.",
            doi="10.1088/0031-9155/57/18/5715",
        ),
        Reference(
            key="Kybic et al. 2000",
            citation="Kybic J, Thévenaz P, Nirkko A, Unser M. Unwarping of unidirectionally "
            "distorted EPI images. IEEE Trans Med Imaging 19:80-93, 2000.",
            doi="10.1109/42.836368",
        ),
        Reference(
            key="Schilling et al. 2019",
            citation="Schilling KG, Yeh FC, Nath V, et al. A fiber coherence index for quality "
            "control of B-table orientation in diffusion MRI. Magn Reson Imaging 58:82-89, 2019.",
            doi="10.1016/j.mri.2019.01.018",
        ),
        Reference(
            key="Veraart et al. 2013",
            citation="Veraart J, Sijbers J, Sunaert S, Leemans A, Jeurissen B. Weighted linear "
            "least squares estimation of diffusion MRI parameters. NeuroImage 81:335-346, 2013.",
            doi="10.1016/j.neuroimage.2013.05.028",
        ),
        Reference(
            key="Baker and Matthews 2004",
            citation="Baker S, Matthews I. Lucas-Kanade 20 years on: a unifying framework. Int J "
            "Comput Vis 56:221-255, 2004.",
            doi="10.1023/B:VISI.0000011205.11775.fd",
        ),
        Reference(
            key="Power et al. 2012",
            citation="Power JD, Barnes KA, Snyder AZ, Schlaggar BL, Petersen SE. Spurious but "
            "systematic correlations in functional connectivity MRI networks arise from subject "
            "motion. NeuroImage 59:2142-2154, 2012.",
            doi="10.1016/j.neuroimage.2011.10.018",
        ),
        Reference(
            key="Haber and Modersitzki 2006",
            citation="Haber E, Modersitzki J. Intensity gradient based registration and fusion of "
            "multi-modal images. MICCAI, LNCS 4191:726-733, 2006.",
            doi="10.1007/11866763_89",
        ),
        Reference(
            key="Friston et al. 1996",
            citation="Friston KJ, Williams S, Howard R, Frackowiak RSJ, Turner R. Movement-related "
            "effects in fMRI time-series. Magn Reson Med 35:346-355, 1996.",
            doi="10.1002/mrm.1910350312",
        ),
        Reference(
            key="Lindquist et al. 2019",
            citation="Lindquist MA, Geuter S, Wager TD, Caffo BS. Modular preprocessing pipelines "
            "can reintroduce artifacts into fMRI data. Hum Brain Mapp 40:2358-2376, 2019.",
            doi="10.1002/hbm.24528",
        ),
        Reference(
            key="Allen et al. 2014",
            citation="Allen EA, Damaraju E, Plis SM, Erhardt EB, Eichele T, Calhoun VD. Tracking "
            "whole-brain connectivity dynamics in the resting state. Cereb Cortex 24:663-676, "
            "2014.",
            doi="10.1093/cercor/bhs352",
        ),
        Reference(
            key="Manera et al. 2020",
            citation="Manera AL, Dadar M, Fonov V, Collins DL. CerebrA, registration and manual "
            "label correction of Mindboggle-101 atlas for MNI-ICBM152 template. Sci Data 7:237, "
            "2020.",
            doi="10.1038/s41597-020-0557-9",
        ),
        Reference(
            key="Yeh et al. 2018",
            citation="Yeh F-C, Panesar S, Fernandes D, et al. Population-averaged atlas of the "
            "macroscale human structural connectome and its network topology. NeuroImage "
            "178:57-68, 2018.",
            doi="10.1016/j.neuroimage.2018.05.027",
        ),
        Reference(
            key="Griffis et al. 2021",
            citation="Griffis JC, Metcalf NV, Corbetta M, Shulman GL. Lesion Quantification "
            "Toolkit: a MATLAB software tool for estimating grey matter damage and white matter "
            "disconnections in patients with brain lesions. NeuroImage Clin 30:102639, 2021.",
            doi="10.1016/j.nicl.2021.102639",
        ),
        Reference(
            key="Feng et al. 2015",
            citation="Feng W, Wang J, Chhatbar PY, et al. Corticospinal tract lesion load: an "
            "imaging biomarker for stroke motor outcomes. Ann Neurol 78:860-870, 2015.",
            doi="10.1002/ana.24510",
        ),
        Reference(
            key="Appelhoff et al. 2019",
            citation="Appelhoff S, Sanderson M, Brooks TL, et al. MNE-BIDS: organizing "
            "electrophysiological data into the BIDS format and facilitating their analysis. J "
            "Open Source Softw 4:1896, 2019.",
            doi="10.21105/joss.01896",
        ),
        Reference(
            key="Gramfort et al. 2013",
            citation="Gramfort A, Luessi M, Larson E, et al. MEG and EEG data analysis with "
            "MNE-Python. Front Neurosci 7:267, 2013.",
            doi="10.3389/fnins.2013.00267",
        ),
        Reference(
            key="Bigdely-Shamlo et al. 2015",
            citation="Bigdely-Shamlo N, Mullen T, Kothe C, Su KM, Robbins KA. The PREP pipeline: "
            "standardized preprocessing for large-scale EEG analysis. Front Neuroinform 9:16, "
            "2015.",
            doi="10.3389/fninf.2015.00016",
        ),
        Reference(
            key="Hyvärinen 1999",
            citation="Hyvärinen A. Fast and robust fixed-point algorithms for independent "
            "component analysis. IEEE Trans Neural Netw 10:626-634, 1999.",
            doi="10.1109/72.761722",
        ),
        Reference(
            key="Dharmaprani et al. 2016",
            citation="Dharmaprani D, Nguyen HK, Lewis TW, DeLosAngeles D, Willoughby JO, Pope KJ. "
            "A comparison of independent component analysis algorithms and measures to "
            "discriminate between EEG and artifact components. Annu Int Conf IEEE Eng Med Biol "
            "Soc 2016:825-828.",
            doi="10.1109/EMBC.2016.7590828",
        ),
        Reference(
            key="Perrin et al. 1989",
            citation="Perrin F, Pernier J, Bertrand O, Echallier JF. Spherical splines for scalp "
            "potential and current density mapping. Electroencephalogr Clin Neurophysiol "
            "72:184-187, 1989.",
            doi="10.1016/0013-4694(89)90180-6",
        ),
        Reference(
            key="Finnigan et al. 2016",
            citation="Finnigan S, Wong A, Read S. Defining abnormal slow EEG activity in acute "
            "ischaemic stroke: delta/alpha ratio as an optimal QEEG index. Clin Neurophysiol "
            "127:1452-1459, 2016.",
            doi="10.1016/j.clinph.2015.07.014",
        ),
        Reference(
            key="van Putten 2007",
            citation="van Putten MJAM. The revised brain symmetry index. Clin Neurophysiol "
            "118:2362-2367, 2007.",
            doi="10.1016/j.clinph.2007.07.019",
        ),
        Reference(
            key="Falconer and Winter 1985",
            citation="Falconer K, Winter DA. Quantitative assessment of co-contraction at the "
            "ankle joint in walking. Electromyogr Clin Neurophysiol 25:135-149, 1985.",
        ),
        Reference(
            key="Halliday et al. 1995",
            citation="Halliday DM, Rosenberg JR, Amjad AM, Breeze P, Conway BA, Farmer SF. A "
            "framework for the analysis of mixed time series/point process data: theory and "
            "application to the study of physiological tremor, single motor unit discharges and "
            "electromyograms. Prog Biophys Mol Biol 64:237-278, 1995.",
            doi="10.1016/S0079-6107(96)00009-0",
        ),
    )
}
