"""Options that users of fMRIPrep, QSIPrep, MRIQC and XCP-D know: taken, idle, or answered.

Taken: what the option says is done here. Idle: it says how to run, nothing here corresponds, and
results are the same without it; a warning says so. Answered: it would change results, so that it is
refused with a sentence on what to do instead.
"""

import argparse
import re
from typing import Any

from motor_bids_app.cli import values as cli_values
from motor_bids_app.settings import IGNORED, STANDARD_SPACE

FEWEST_MEGABYTES = 1000  # less serves nobody, and is what GB look like without their unit
_BYTES = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}

_IDLE: dict[str, tuple[int, str]] = {  # option, number of its values, why it does nothing
    "--bids-database-dir": (1, "no database is used; folders are indexed in seconds at each run"),
    "--bids-database-wipe": (0, "there is no database of the dataset"),
    "--low-mem": (0, "limit memory with --mem-gb and fewer --nprocs instead"),
    "--resource-monitor": (0, "logs/participants_status.tsv always records time and peak memory"),
    "--write-graph": (0, "there is no workflow graph"),
    "--fs-license-file": (1, "FreeSurfer is not used"),
    "--fs-no-reconall": (0, "FreeSurfer is never run"),
    "--no-submm-recon": (0, "FreeSurfer is never run"),
    "--no-msm": (0, "there are no surfaces"),
    "--md-only-boilerplate": (0, "the methods text is always plain text"),
    "--skull-strip-fixed-seed": (0, "the same image always gives the same mask"),
    "--verbose-reports": (0, "reports are always complete"),
    "--no-sub": (0, "nothing is ever sent anywhere"),
    "--no-datalad-get": (0, "files are never fetched"),
}

_SURFACES = "there are no surfaces here, only volumes"
_SPACE = f"volumes are written in their own space and in {STANDARD_SPACE}, in no other"
_COREGISTRATION = "coregistration has no settings: its likeness is measured and told in the report"
_ONE_ANATOMY = "each session is registered by itself"
_EDDY = "motion and eddy currents are corrected in one way (docs/quality.md)"
_MERGED = (
    "runs of one protocol are joined, and --bids-filter-file chooses where a session has several"
)
_BAND = "bold is filtered to 0.01 to 0.1 Hz"
_REGRESSORS = "24 motion terms, white matter and CSF are regressed out"
_NOTHING_SENT = "nothing is ever sent anywhere"
_ANSWERS: tuple[tuple[str, str, str], ...] = (  # apps, options, what to do instead
    ("fMRIPrep", "--level", "all outputs are written; leave it out"),
    ("fMRIPrep", "--use-plugin --nipype-plugin-file", "write --engine dask:ADDRESS for a cluster"),
    ("fMRIPrep", "--echo-idx", 'write --bids-filter-file with {"bold": {"echo": 1}}'),
    ("fMRIPrep", "--longitudinal", f"{_ONE_ANATOMY}; leave it out"),
    (
        "fMRIPrep",
        "--force-bbr --force-no-bbr --bold2anat-init --bold2anat-dof --bold2t1w-init "
        "--bold2t1w-dof",
        f"{_COREGISTRATION}; leave it out",
    ),
    (
        "fMRIPrep",
        "--slice-time-ref",
        "slices are put to the middle of the volume where the sidecar has SliceTiming; leave it "
        "out",
    ),
    ("fMRIPrep", "--use-syn-sdc --force-syn", "write --susceptibility head"),
    ("fMRIPrep", "--fmap-bspline --fmap-no-demean", "field maps are read in one way; leave it out"),
    ("fMRIPrep", "--cifti-output --medial-surface-nan --project-goodvoxels", _SURFACES),
    ("fMRIPrep", "--fs-subjects-dir --fs-no-resume", "write -d fmriprep=PATH for its results"),
    (
        "fMRIPrep",
        "--skull-strip-template --skull-strip-t1w",
        "brain masks are made in one way; write -d fmriprep=PATH for others",
    ),
    ("fMRIPrep", "--dvars-spike-threshold", "volumes are judged by motion alone: write --scrub MM"),
    ("fMRIPrep", "--return-all-components --use-aroma", f"{_REGRESSORS}; leave it out"),
    (
        "fMRIPrep",
        "--me-output-echos --me-t2s-fit-method",
        "of several echoes the middle one is taken; combine them first, and give -d fmriprep=PATH",
    ),
    ("fMRIPrep", "--output-layout", "there is one layout of the output, that of BIDS"),
    ("QSIPrep", "--output-resolution", "maps have 2 mm in the standard space; leave it out"),
    ("QSIPrep", "--output-space --anatomical-template", f"{_SPACE}; leave it out"),
    ("QSIPrep", "--dwi-only", "write --modalities dwi"),
    ("QSIPrep", "--anat-modality", "the T1w is taken, or else T2w or FLAIR; leave it out"),
    ("QSIPrep", "--subject-anatomical-reference", f"{_ONE_ANATOMY}; leave it out"),
    ("QSIPrep", "--unringing-method", "write --gibbs, for series without partial Fourier sampling"),
    (
        "QSIPrep",
        "--denoise-method --dwi-denoise-window --denoise-after-combining",
        "denoising is MP-PCA wherever a series has enough volumes; leave it out",
    ),
    (
        "QSIPrep",
        "--hmc-model --hmc-method --hmc-transform --shoreline-model --shoreline-iters "
        "--eddy-config --diffprep-config --b0-motion-corr-to",
        f"{_EDDY}; leave it out",
    ),
    ("QSIPrep", "--pepolar-method --sdc-method", "write --susceptibility auto, head or off"),
    (
        "QSIPrep",
        "--b0-threshold",
        "b-values are grouped into shells as they are found; leave it out",
    ),
    (
        "QSIPrep",
        "--b1-biascorrect-stage --dwi-no-biascorr --no-b0-harmonization",
        "the bias field and drift of the dwi are always corrected; leave it out",
    ),
    ("QSIPrep", "--separate-all-dwis --distortion-group-merge", f"{_MERGED}; leave it out"),
    (
        "QSIPrep",
        "--b0-to-t1w-transform --b0-to-anat-transform --intramodal-template-iters",
        f"{_COREGISTRATION}; leave it out",
    ),
    ("QSIPrep", "--skip-anat-based-spatial-normalization", "models need the standard space"),
    ("QSIPrep", "--infant", "the template is of adults"),
    ("QSIPrep", "--recon-spec", "run QSIRecon itself, then write -d qsirecon=PATH"),
    ("QSIPrep", "--gpu", "write --device cuda"),
    ("MRIQC", "--run-id", 'write --bids-filter-file with {"bold": {"run": 1}}'),
    ("MRIQC", "--fd-thres", "write --motion-limit MM to flag people, --scrub MM to drop volumes"),
    ("MRIQC", "--testing", "write --sloppy"),
    ("MRIQC", "--pdb", "the traceback is in the logs of the output"),
    ("MRIQC", "--ants-nthreads", "write --omp-nthreads"),
    ("MRIQC", "--start-idx", "write --dummy-scans N"),
    ("MRIQC", "--species", "the template is of people"),
    ("MRIQC", "--dsname", "the name is that of dataset_description.json"),
    ("MRIQC", "--email --webapi-url --webapi-port --upload-strict", _NOTHING_SENT),
    (
        "MRIQC",
        "--min-bold-length --min-dwi-length",
        "series that are too short are refused, and told; leave it out",
    ),
    ("MRIQC", "--deoblique --fft-spikes-detector", "there is no such step"),
    ("XCP-D", "--mode", "write -d fmriprep=PATH, and --modalities bold for the bold alone"),
    ("XCP-D", "--input-type", "write -d fmriprep=PATH"),
    ("XCP-D", "--datasets", "write -d NAME=PATH"),
    ("XCP-D", "-p --nuisance-regressors -c --custom-confounds", f"{_REGRESSORS}; leave it out"),
    ("XCP-D", "--despike", "there is no such step: write --scrub MM to drop volumes that moved"),
    (
        "XCP-D",
        "--lower-bpf --upper-bpf --high-pass --low-pass --bpf-order --disable-bandpass-filter",
        f"{_BAND}; leave it out",
    ),
    (
        "XCP-D",
        "--motion-filter-type --motion-filter-order --band-stop-min --band-stop-max",
        "motion is not filtered; leave it out",
    ),
    ("XCP-D", "-r --head-radius", "framewise displacement is of a sphere of 50 mm; leave it out"),
    (
        "XCP-D",
        "--min-time",
        "10 degrees of freedom must be left, or the bold is refused; leave it out",
    ),
    (
        "XCP-D",
        "--atlases --skip-parcellation --min-coverage",
        "connectivity is of M1: write --seed-mni or --seed-mask for another seed",
    ),
    ("XCP-D", "--create-matrices --exact-time", "connectivity is of M1, without matrices"),
    ("XCP-D", "--combine-runs --combineruns", "one series is taken per session; leave it out"),
    ("XCP-D", "-s --cifti --file-format --warp-surfaces-native2std", _SURFACES),
    ("XCP-D", "--linc-qc --abcc-qc --dcan-qc", "quality is in desc-features.tsv of everyone"),
    ("MRIQC and XCP-D", "-f", "it means --fd-thresh in one and --float32 in the other: write out"),
)
ELSEWHERE: dict[str, str] = {
    option: f"{option} of {apps} is not taken: {answer}."
    for apps, options, answer in _ANSWERS
    for option in options.split()
}


class _Idle(argparse.Action):
    """Keep a sentence on why an option does nothing, to be shown as a warning."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - as argparse calls it
        namespace: argparse.Namespace,
        values: Any,  # noqa: ARG002
        option_string: str | None = None,
    ) -> None:
        said = f"{option_string} does nothing here: {_IDLE[self.option_strings[0]][1]}"
        namespace.remarks = (*getattr(namespace, "remarks", ()), said)


def add_idle_options(parser: argparse.ArgumentParser) -> None:
    """Add options that are accepted from other apps, and say that they do nothing."""
    group = parser.add_argument_group("accepted from other BIDS Apps, with a warning")
    for option, (n_values, why) in _IDLE.items():
        values = {"metavar": "PATH", "nargs": 1} if n_values else {"nargs": 0}
        group.add_argument(option, action=_Idle, dest="remarks", help=why, **values)


def add_ignore(group: argparse._ArgumentGroup) -> None:
    """Add what fMRIPrep and QSIPrep ignore of a dataset."""
    group.add_argument(
        "--ignore", nargs="+", type=_ignored, choices=IGNORED, metavar="WHAT",
        help="ignore in the dataset: fieldmaps (fmap folders), sbref, t2w, flair; or sdc, the "
        "same as --susceptibility off",
    )  # fmt: skip


def add_output_spaces(group: argparse._ArgumentGroup) -> None:
    """Add the name of the one space that there is, which other apps choose from many."""
    group.add_argument(
        "--output-spaces", nargs="+", type=_output_space, metavar="SPACE",
        help=f"standard space of output images; only {STANDARD_SPACE} is available",
    )  # fmt: skip


def _ignored(text: str) -> str:
    answers = {
        "slicetiming": "slices are put to one time wherever the sidecar has SliceTiming",
        "phase": "phase images are never read: leave it out",
        "fmap-jacobian": "intensities are always corrected where the image is unwarped",
    }
    if text.lower() in answers:
        raise argparse.ArgumentTypeError(f"{text} cannot be ignored, as {answers[text.lower()]}")
    return text.lower()


def _output_space(text: str) -> str:
    if text != STANDARD_SPACE:
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be had: {_SPACE} (maps at 2 mm, bold at 3 mm)"
        )
    return text


def modality(text: str) -> str:
    """Check the name of a modality; those of MRIQC that are one here are told."""
    if text.lower() in ("t1w", "t2w", "flair"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is part of the anatomy, which is processed as one: write anat, and "
            "--ignore t2w or flair to leave an image out"
        )
    return text


def memory(text: str) -> float:
    """Parse memory as fMRIPrep does, in MB or with a unit; return GiB.

    >>> round(memory("16G"), 1), round(memory("16000"), 1)
    (14.9, 14.9)
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of MB, or with a unit as 16G")
    unit = match[2].upper()
    n_bytes = float(match[1]) * _BYTES[unit or "M"]
    if n_bytes < FEWEST_MEGABYTES * _BYTES["M"]:
        meant = "" if unit else f"; without a unit it is read as MB, as in fMRIPrep: {text}G is GB"
        raise argparse.ArgumentTypeError(
            f"{text} is too little: the app needs {FEWEST_MEGABYTES} MB or more{meant}"
        )
    return cli_values.positive_float(str(n_bytes / 2**30))
