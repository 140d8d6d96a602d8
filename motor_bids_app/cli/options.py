"""The options of the command line, in groups."""

import argparse
from pathlib import Path

from motor_bids_app import __version__
from motor_bids_app.cli import other_apps
from motor_bids_app.cli import values as cli_values
from motor_bids_app.cli.actions import Alone, PrintDescriptor
from motor_bids_app.cli.bold import add_bold_options
from motor_bids_app.cli.physiology import add_physiology_options
from motor_bids_app.cli.values import Parser
from motor_bids_app.errors import EXIT_CODES
from motor_bids_app.features.plausibility import NAMES
from motor_bids_app.settings import LEVELS, MODALITIES, OUTSIDE, STOPPING, SUSCEPTIBILITY

_DESCRIPTION = """Predict motor impairment after stroke from BIDS data: preprocess, model, apply.

participant: raw images to derivatives, with one report each. group: derivatives and scores
to an evaluated model. predict: apply a trained model to new derivatives.
validate: evaluate trained models on new people with known scores (external validation).
"""


def build_parser() -> Parser:
    """Return the parser of the BIDS App command line.

    Options that are not given are absent from its result, so that a configuration file can
    be told from the command line.
    """
    codes = "\n".join(f"  {code:3} {meaning}" for code, meaning in EXIT_CODES.items())
    parser = Parser(
        prog="motor_bids_app",
        usage=f"motor_bids_app BIDS_DIR OUTPUT_DIR {{{','.join(LEVELS)}}} ... [options]",
        description=_DESCRIPTION,
        epilog=f"In option names, - and _ are equivalent.\n\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.elsewhere = other_apps.ELSEWHERE
    parser.add_argument("bids_dir", type=Path, help="input BIDS dataset, never written to")
    parser.add_argument("output_dir", type=Path, help="output derivatives dataset")
    parser.add_argument(
        "level", nargs="+", metavar="analysis_level",
        help=f"one of {', '.join(LEVELS)}, or several, run in sequence",
    )  # fmt: skip
    _add_selection(parser)
    _add_inputs(parser)
    _add_processing(parser)
    add_bold_options(parser)
    add_physiology_options(parser)
    _add_resources(parser)
    _add_run_options(parser)
    other_apps.add_idle_options(parser)
    _add_information(parser)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to work on")
    group.add_argument(
        "--participant-label", "--participant-labels", "--subject-label", nargs="+",
        metavar="LABEL",
        help="participants, with or without 'sub-', or a file with one per line (default: all)",
    )  # fmt: skip
    group.add_argument(
        "--exclude-participant-label", nargs="+", metavar="LABEL", help="participants to leave out"
    )
    group.add_argument(
        "--session-label", "--session-id", nargs="+", metavar="LABEL",
        help="sessions, with or without 'ses-' (default: all)",
    )  # fmt: skip
    group.add_argument(
        "-t", "--task-label", "--task-id", nargs="+", metavar="LABEL",
        help="tasks of BOLD, EEG and EMG, with or without 'task-' (default: any; rest preferred "
        "for BOLD)",
    )  # fmt: skip
    modalities = group.add_mutually_exclusive_group()
    modalities.add_argument(
        "-m", "--modalities", nargs="+", type=other_apps.modality, choices=MODALITIES,
        help="what to process (default: everything available)",
    )  # fmt: skip
    modalities.add_argument(
        "--anat-only", dest="modalities", action="store_const", const=["anat"],
        help="the same as --modalities anat",
    )  # fmt: skip
    other_apps.add_ignore(group)
    group.add_argument(
        "--bids-filter-file", type=Path, metavar="FILE",
        help="JSON file with BIDS entities that images must match, in the format of fMRIPrep",
    )  # fmt: skip
    group.add_argument(
        "--shard",
        type=cli_values.shard,
        metavar="i/N",
        help="participant level: process part i of N of the participants; group level: run part i "
        "of N of the trainings and explanations of networks, which a later run without --shard "
        "collects (--work-dir)",
    )


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("further inputs")
    _add_cohort_files(group)
    _add_model_files(group)
    group.add_argument(
        "--anonymise-labels", "--anonymize-labels", type=Path, metavar="KEY.json",
        help="write nothing but pseudonyms of participants, in names and in content; the file "
        "holds their key and the labels behind them, is made if it is not there, and must be kept "
        "private and the same for all levels",
    )  # fmt: skip
    group.add_argument(
        "--config-file", type=Path, metavar="FILE.toml",
        help="options as TOML, under their names; the command line takes precedence",
    )  # fmt: skip
    group.add_argument(
        "--skip-bids-validation", "--skip-bids-validator", action="store_true",
        help="do not run the BIDS validator first",
    )  # fmt: skip


def _add_cohort_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-d", "--derivatives", nargs="+", action="extend", type=cli_values.derivative,
        metavar="NAME=PATH",
        help="existing derivatives to use instead of computing: fMRIPrep, QSIPrep, lesion masks",
    )  # fmt: skip
    group.add_argument(
        "--experiment", nargs="+", metavar="NAME|FILE.toml",
        help="group level: presets or files of your own (default: baselines)",
    )  # fmt: skip
    group.add_argument(
        "--scores-map", type=Path, metavar="FILE.toml",
        help="meaning of score and demographic columns and of event codes whose names are "
        "ambiguous",
    )  # fmt: skip
    group.add_argument(
        "--qc-file", type=Path, metavar="FILE",
        help="group and validate level: TSV with participant_id, optionally session_id, and "
        "rating: include, exclude, or 0 to 4 as in MRIQC, where ratings below 2 exclude",
    )  # fmt: skip
    group.add_argument(
        "--allow", nargs="+", choices=(*STOPPING, *NAMES), metavar="NAME",
        help=f"group level: continue although the audit found this: {', '.join(STOPPING)}; or, "
        "also at the predict and validate level, use data that depend on an implausible measure: "
        f"{', '.join(NAMES)}",
    )  # fmt: skip


def _add_model_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model",
        nargs="+",
        type=Path,
        metavar="DIR|NAME",
        help="predict level: folder of a model made at the group level, or the name of a model "
        "included in the app, for research only: nihss-lesion-2026; validate level: one or several",
    )
    group.add_argument(
        "--init-from", type=Path, metavar="DIR",
        help="group level: model whose weights networks start from, trained on other people",
    )  # fmt: skip
    group.add_argument(
        "--weights", type=Path, metavar="DIR",
        help="group level: pytorchcv weight files that slice networks start from (default: random "
        "weights; nothing is downloaded)",
    )  # fmt: skip
    group.add_argument(
        "--predictors", type=Path, metavar="FILE.tsv",
        help="predict and validate level: table with participant_id and the columns that the "
        "model predicts from ([inputs] columns), if the dataset's tables lack them",
    )  # fmt: skip
    group.add_argument(
        "--outside", choices=OUTSIDE,
        help="predict and validate level: for people unlike the training people: widen sets and "
        "intervals, refuse a prediction, or ignore the difference; the table gives the reason "
        "(default: widen)",
    )  # fmt: skip


def _add_processing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to process")
    group.add_argument(
        "--trust-orientation", nargs="+", type=cli_values.trust, metavar="HOW[=PATTERN]",
        help="for images whose qform and sform contradict each other or are both unset, which are "
        "otherwise refused: sform, qform, or the voxel orientation, such as LAS (left, anterior, "
        "superior); PATTERN: only files whose names match; the first match applies",
    )  # fmt: skip
    group.add_argument(
        "--correct-gradients", action="store_true",
        help="correct gradient-table axes that fibre coherence shows to be flipped or swapped "
        "(default: only warn)",
    )  # fmt: skip
    group.add_argument(
        "--gibbs", action="store_true",
        help="remove Gibbs ringing from the dwi; only for series without partial Fourier sampling",
    )  # fmt: skip
    group.add_argument(
        "--tractogram", type=Path, metavar="FILE",
        help="streamlines (TRK or TCK, with space-NAME in the file name) used for the "
        "disconnection of regions and pairs of regions and for the disconnection map (default: "
        "HCP842, which is always used for bundles)",
    )  # fmt: skip
    other_apps.add_output_spaces(group)
    group.add_argument(
        "--susceptibility", choices=SUSCEPTIBILITY,
        help="susceptibility distortion of diffusion images and BOLD: auto corrects it with an "
        "image of opposite phase encoding, else with a field map; head additionally, if there is "
        "neither, by registration to the head image if that improves the fit, which recovers only "
        "part of it (default: auto)",
    )  # fmt: skip


def _add_resources(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to run")
    processes = group.add_mutually_exclusive_group()
    processes.add_argument(
        "--nprocs", "--n-procs", "--n-cpus", type=cli_values.positive_int, metavar="N",
        help="number of processes (default: CPUs / omp-nthreads, at 4 GiB each)",
    )  # fmt: skip
    processes.add_argument(
        "--nthreads", type=cli_values.positive_int, metavar="N",
        help="alternatively, total number of threads over all processes (default: CPUs)",
    )  # fmt: skip
    group.add_argument(
        "--omp-nthreads", type=cli_values.positive_int, metavar="N",
        help="threads per process (default: at most 2)",
    )  # fmt: skip
    memory = group.add_mutually_exclusive_group()
    memory.add_argument(
        "--mem-gb", type=cli_values.positive_float, metavar="GIB",
        help="available memory (default: that of the machine or container)",
    )  # fmt: skip
    memory.add_argument(
        "--mem", "--mem-mb", dest="mem_gb", type=other_apps.memory, metavar="MB",
        help="the same in MB, or with a unit, such as 16G",
    )  # fmt: skip
    group.add_argument(
        "--engine", type=cli_values.engine, metavar="local|dask:ADDRESS|dask-file:PATH",
        help="where participants are processed and networks trained (default: local)",
    )  # fmt: skip
    group.add_argument(
        "--device", type=cli_values.device, metavar="auto|cpu|cuda[:i]",
        help="device for training networks and, if a GPU is named, for processing images; auto "
        "uses a GPU for networks only (default: auto)",
    )  # fmt: skip
    group.add_argument(
        "-w", "--work-dir", type=Path, metavar="DIR",
        help="folder for intermediate files (default: a temporary one)",
    )  # fmt: skip
    group.add_argument(
        "--clean-workdir", action="store_true",
        help="first delete interrupted trainings from the work folder",
    )  # fmt: skip
    group.add_argument(
        "--random-seed",
        type=cli_values.seed,
        metavar="N",
        help="seed of all random numbers (default: 0)",
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which part to run")
    for option, text in (
        ("--dry-run", "show what would run: available data and, at the group level, the cost"),
        (
            "--explain-columns",
            "show how scores and demographics are interpreted, with all problems",
        ),
        ("--reports-only", "regenerate the reports from existing outputs"),
        ("--boilerplate-only --boilerplate", "write the methods text only"),
        ("--overwrite", "redo everything, including valid results"),
        ("--stop-on-first-crash", "stop at the first participant that fails"),
        ("--sloppy", "fast but inaccurate, for tests only"),
        ("--notrack", "accepted and without effect: there is no telemetry"),
    ):
        group.add_argument(*option.split(), action="store_true", help=text)


def _add_information(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("information")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument(
        "-v", "--verbose", "--debug", action="count", help="print everything that is logged"
    )
    loudness.add_argument("-q", "--quiet", action="store_true", help="print warnings only")
    group.add_argument("--version", action="version", version=f"motor_bids_app {__version__}")
    group.add_argument(
        "--bids-exec-spec", action=PrintDescriptor, nargs=0,
        help="without other arguments: print the Boutiques descriptor",
    )  # fmt: skip
    group.add_argument(
        "--selftest", action=Alone, nargs="?", metavar="DIR",
        help="without other arguments: simulate a small cohort, run all levels on it, check the "
        "results",
    )  # fmt: skip
