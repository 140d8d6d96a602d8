"""The options of the command line, in groups."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from motor_bids_app import __version__
from motor_bids_app.cli import other_apps
from motor_bids_app.cli import values as cli_values
from motor_bids_app.cli.bold import add_bold_options
from motor_bids_app.cli.physiology import add_physiology_options
from motor_bids_app.cli.values import Parser
from motor_bids_app.errors import EXIT_CODES
from motor_bids_app.features.plausibility import NAMES
from motor_bids_app.settings import LEVELS, MODALITIES, OUTSIDE, STOPPING, SUSCEPTIBILITY

_DESCRIPTION = """Predict motor impairment after stroke from BIDS data: preprocess, model, apply.

participant: from raw images to derivatives, one report each. group: from derivatives and
scores to an evaluated model. predict: a finished model applied to new derivatives.
validate: finished models judged on new people whose scores are known.
"""


class _PrintDescriptor(argparse.Action):
    """Print the Boutiques descriptor of the parser that meets this option, and leave."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from motor_bids_app.bids.descriptor import boutiques_descriptor

        sys.stdout.write(json.dumps(boutiques_descriptor(parser), indent=2) + "\n")
        parser.exit(0)


class _Alone(argparse.Action):
    """An option that is handled before, where it stands alone."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        parser.error(f"{self.option_strings[0]} stands alone, without other arguments")


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
        epilog=f"In names of options, - and _ are the same.\n\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.elsewhere = other_apps.ELSEWHERE
    parser.add_argument("bids_dir", type=Path, help="input BIDS dataset, never written to")
    parser.add_argument("output_dir", type=Path, help="output derivatives dataset")
    parser.add_argument(
        "level", nargs="+", metavar="analysis_level",
        help=f"one of {', '.join(LEVELS)}, or several, to run one after the other",
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
        help="tasks of bold, EEG and EMG, with or without 'task-' (default: any; rest first for "
        "bold)",
    )  # fmt: skip
    modalities = group.add_mutually_exclusive_group()
    modalities.add_argument(
        "-m", "--modalities", nargs="+", type=other_apps.modality, choices=MODALITIES,
        help="what to process (default: all there is)",
    )  # fmt: skip
    modalities.add_argument(
        "--anat-only", dest="modalities", action="store_const", const=["anat"],
        help="the same as --modalities anat",
    )  # fmt: skip
    other_apps.add_ignore(group)
    group.add_argument(
        "--bids-filter-file", type=Path, metavar="FILE",
        help="JSON with entities that images must have, in the format of fMRIPrep",
    )  # fmt: skip
    group.add_argument(
        "--shard",
        type=cli_values.shard,
        metavar="i/N",
        help="participant level: work on part i of N of the participants; group level: do part i "
        "of N of the trainings of networks, which a run without --shard then finds (--work-dir)",
    )


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("further inputs")
    _add_cohort_files(group)
    _add_model_files(group)
    group.add_argument(
        "--config-file", type=Path, metavar="FILE.toml",
        help="options as TOML, under their names; the command line wins",
    )  # fmt: skip
    group.add_argument(
        "--skip-bids-validation", "--skip-bids-validator", action="store_true",
        help="do not run the BIDS validator first",
    )  # fmt: skip


def _add_cohort_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-d", "--derivatives", nargs="+", action="extend", type=cli_values.derivative,
        metavar="NAME=PATH",
        help="finished derivatives to take instead of computing: fMRIPrep, QSIPrep, lesion masks",
    )  # fmt: skip
    group.add_argument(
        "--experiment", nargs="+", metavar="NAME|FILE.toml",
        help="group level: presets or files of your own (default: baselines)",
    )  # fmt: skip
    group.add_argument(
        "--scores-map", type=Path, metavar="FILE.toml",
        help="what columns of scores and demographics, and codes of events, mean, where names do "
        "not tell",
    )  # fmt: skip
    group.add_argument(
        "--qc-file", type=Path, metavar="FILE",
        help="group and validate level: TSV with participant_id, maybe session_id, and rating: "
        "include, exclude, or 0 to 4 as in MRIQC, where below 2 excludes",
    )  # fmt: skip
    group.add_argument(
        "--allow", nargs="+", choices=(*STOPPING, *NAMES), metavar="NAME",
        help=f"group level: go on although the audit found this: {', '.join(STOPPING)}; or, at "
        "the predict and validate level too, read what depends on a measure that cannot be: "
        f"{', '.join(NAMES)}",
    )  # fmt: skip


def _add_model_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model",
        nargs="+",
        type=Path,
        metavar="DIR|NAME",
        help="predict level: folder of a model made by group, or the name of one that comes with "
        "the app, for research only: nihss-lesion-2026; validate level: one or several",
    )
    group.add_argument(
        "--init-from", type=Path, metavar="DIR",
        help="group level: model whose weights networks begin with, made from other people",
    )  # fmt: skip
    group.add_argument(
        "--weights", type=Path, metavar="DIR",
        help="group level: files of pytorchcv with weights that networks of slices start from "
        "(default: random weights; nothing is downloaded)",
    )  # fmt: skip
    group.add_argument(
        "--predictors", type=Path, metavar="FILE.tsv",
        help="predict and validate level: table with participant_id and the columns that the model "
        "predicts from ([inputs] columns), where the tables of the dataset do not have them",
    )  # fmt: skip
    group.add_argument(
        "--outside", choices=OUTSIDE,
        help="predict and validate level: for people unlike those of training, widen sets and "
        "intervals, refuse a number, or ignore it; the table says why (default: widen)",
    )  # fmt: skip


def _add_processing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to process")
    group.add_argument(
        "--trust-orientation", nargs="+", type=cli_values.trust, metavar="HOW[=PATTERN]",
        help="for images whose qform and sform contradict each other or say nothing, which are "
        "refused otherwise: sform, qform, or where the axes of the voxels lead, such as LAS (left, "
        "anterior, superior); PATTERN: only files of such names, the first that fits decides",
    )  # fmt: skip
    group.add_argument(
        "--correct-gradients", action="store_true",
        help="where fibres show that axes of the gradient table are reversed or exchanged, "
        "correct them (default: say so only)",
    )  # fmt: skip
    group.add_argument(
        "--gibbs", action="store_true",
        help="remove Gibbs ringing from the dwi; for series without partial Fourier sampling",
    )  # fmt: skip
    group.add_argument(
        "--tractogram", type=Path, metavar="FILE",
        help="streamlines (TRK or TCK, with space-NAME in the name of the file) that regions, "
        "pairs of them and the map of what a lesion cuts are measured on (default: HCP842, which "
        "columns of bundles are always of)",
    )  # fmt: skip
    other_apps.add_output_spaces(group)
    group.add_argument(
        "--susceptibility", choices=SUSCEPTIBILITY,
        help="distortion of diffusion images and bold: auto corrects it by an image with opposite "
        "phase encoding, else by a field map; head, where there is neither, by the head image if "
        "that fits better, which finds but a part of it (default: auto)",
    )  # fmt: skip


def _add_resources(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to run")
    processes = group.add_mutually_exclusive_group()
    processes.add_argument(
        "--nprocs", "--n-procs", "--n-cpus", type=cli_values.positive_int, metavar="N",
        help="processes (default: CPUs / omp-nthreads, at 4 GiB each)",
    )  # fmt: skip
    processes.add_argument(
        "--nthreads", type=cli_values.positive_int, metavar="N",
        help="instead, threads of all processes together (default: CPUs)",
    )  # fmt: skip
    group.add_argument(
        "--omp-nthreads", type=cli_values.positive_int, metavar="N",
        help="threads of one process (default: at most 2)",
    )  # fmt: skip
    memory = group.add_mutually_exclusive_group()
    memory.add_argument(
        "--mem-gb", type=cli_values.positive_float, metavar="GIB",
        help="memory to count on (default: that of the machine or container)",
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
        help="where networks are trained, and images processed if a GPU is named; auto takes a "
        "GPU for networks alone (default: auto)",
    )  # fmt: skip
    group.add_argument(
        "-w", "--work-dir", type=Path, metavar="DIR",
        help="folder for intermediate files (default: a temporary one)",
    )  # fmt: skip
    group.add_argument(
        "--clean-workdir", action="store_true",
        help="first delete trainings that were stopped from the work folder",
    )  # fmt: skip
    group.add_argument(
        "--random-seed", type=cli_values.seed, metavar="N", help="seed of all chance (default: 0)"
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which part to run")
    for option, text in (
        ("--dry-run", "show what would run: who has what; at the group level, what it costs"),
        ("--explain-columns", "show how scores and demographics are read, with all problems"),
        ("--reports-only", "write the reports again from what is there"),
        ("--boilerplate-only --boilerplate", "write the methods text only"),
        ("--overwrite", "do everything again, even what is done and still valid"),
        ("--stop-on-first-crash", "stop at the first participant that fails"),
        ("--sloppy", "fast and rough, for tests only"),
        ("--notrack", "accepted and without effect: there is no telemetry"),
    ):
        group.add_argument(*option.split(), action="store_true", help=text)


def _add_information(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("information")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument(
        "-v", "--verbose", "--debug", action="count", help="say everything that is in the log"
    )
    loudness.add_argument("-q", "--quiet", action="store_true", help="say warnings alone")
    group.add_argument("--version", action="version", version=f"motor_bids_app {__version__}")
    group.add_argument(
        "--bids-exec-spec", action=_PrintDescriptor, nargs=0,
        help="alone: print the Boutiques descriptor",
    )  # fmt: skip
    group.add_argument(
        "--selftest", action=_Alone, nargs="?", metavar="DIR",
        help="alone: simulate a small cohort, run all levels on it, check the results",
    )  # fmt: skip
