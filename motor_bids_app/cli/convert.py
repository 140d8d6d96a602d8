"""Bring EEG or EMG in columns of plain text into a BIDS dataset, as EDF with its sidecars.

Lines that start with # are a header: JSON (that of OpenSignals, or an object with
SamplingFrequency, Labels and Units), or lines as "Sampling Rate (Hz):= 1000". What it does
not say is given by options.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from motor_bids_app.cli.values import Parser, positive_float
from motor_bids_app.levels.convert import MICROVOLTS, Conversion, convert


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the converter's command line."""
    parser = Parser(
        prog="motor_bids_convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("source", type=Path, help="text file")
    add("dataset", type=Path, help="BIDS dataset to add it to; begun where there is none")
    add("--participant-label", required=True, metavar="LABEL", help="with or without 'sub-'")
    add("--session-label", metavar="LABEL", help="with or without 'ses-'")
    add("--task-label", required=True, metavar="LABEL", help="with or without 'task-'")
    add("--type", choices=("emg", "eeg"), default="emg", help="of all columns (emg)")
    add(
        "--channels",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names of the columns, such as FDS_L EDC_L (those of the header)",
    )
    add("--rate", type=positive_float, metavar="HZ", help="sampling rate (header)")
    unit = parser.add_mutually_exclusive_group()
    unit.add_argument("--unit", choices=tuple(MICROVOLTS), help="of the numbers (header)")
    unit.add_argument(
        "--microvolts-per-count",
        type=positive_float,
        metavar="UV",
        help="where the numbers are counts of a converter",
    )
    add("--mains", type=float, choices=(50.0, 60.0), help="frequency of the mains, Hz")
    return parser


def main(argv: Sequence[str] | None = None) -> str:
    """Convert one file, and say where it is.

    Raises
    ------
    UsageError
        An option is unknown, or its value impossible.
    """
    args = build_parser().parse_args(argv)
    session = args.session_label.removeprefix("ses-") if args.session_label else None
    path = convert(
        Conversion(
            source=args.source,
            dataset=args.dataset,
            kind=args.type,
            participant=args.participant_label.removeprefix("sub-"),
            session=session,
            task=args.task_label.removeprefix("task-"),
            channels=tuple(args.channels),
            rate=args.rate,
            unit=args.unit,
            per_count=args.microvolts_per_count,
            mains=args.mains,
        )
    )
    return f"The recording is in {path}."
