"""Write a synthetic stroke cohort in BIDS, with known ground truth in OUTPUT_DIR/sourcedata/truth.

T1w images of whole heads, diffusion-weighted images, BOLD, EEG, EMG, lesion masks and motor
scores (FMA-UE; with EEG and EMG also FMA-LE), for trying out the app and for checking its
results.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from motor_bids_app.cli.values import Parser, finite, positive_float, positive_int, seed
from motor_bids_app.errors import UsageError
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.simulation.people import SESSIONS

MOST_PEOPLE = 999  # labels have three digits
VOXEL_SIZES = (0.7, 5.0)  # mm; smaller takes too much memory, larger shows no tissue
SIMULATED = ("anat", "dwi", "bold", "eeg", "emg")
SHORTEST, SLOWEST = 20, 100  # s, to hold rest and gripping once; Hz, to hold all rhythms
FEWEST_DIRECTIONS = 6  # a tensor has six unknowns


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the simulator's command line."""
    parser = Parser(
        prog="motor_bids_simulate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("output_dir", type=Path, help="new dataset; the folder must be empty")
    add = parser.add_argument
    add("--participants", type=positive_int, default=20, metavar="N", help="patients (20)")
    add("--controls", type=seed, default=5, metavar="M", help="healthy volunteers (5)")
    add("--sites", type=positive_int, default=1, metavar="S",
        help="sites, each with its own scanner (1)")  # fmt: skip
    add("--sessions", type=int, choices=range(1, len(SESSIONS) + 1), default=1,
        help="2: before and after rehabilitation (1)")  # fmt: skip
    add("--modalities", nargs="*", choices=SIMULATED, default=["anat", "dwi"],
        help="modalities to simulate; without a name, only the tables (anat dwi)")  # fmt: skip
    add("--voxel-size", "--voxel_size", type=positive_float, default=1.0, metavar="MM",
        help="voxel size of the T1w image; dwi has the same, but at least 2 mm (1)")  # fmt: skip
    add("--directions", type=positive_int, default=30, metavar="N",
        help="diffusion directions (30)")  # fmt: skip
    add("--volumes", type=positive_int, default=240, metavar="N",
        help="BOLD volumes, TR 2 s (240)")  # fmt: skip
    add("--signal-seconds", "--signal_seconds", type=positive_int, default=120, metavar="S",
        help="duration of EEG and EMG (120)")  # fmt: skip
    add("--signal-rate", "--signal_rate", type=positive_int, default=500, metavar="HZ",
        help="sampling rate of EEG and EMG (500)")  # fmt: skip
    add("--physiology-share", "--physiology_share", type=finite, metavar="SHARE",
        help="share, 0 to 1, of the variance of expected scores explained by EEG and EMG only; "
        "images explain the rest (default: both explain the same)")  # fmt: skip
    add("--recovery", type=finite, metavar="SHARE",
        help="with --sessions 2: sessions days and three months after the stroke, and the share, "
        "0 to 1, of the lost points that everybody regains between them")  # fmt: skip
    add("--shuffle-scores", "--shuffle_scores", action="store_true",
        help="shuffle scores among patients, so that nothing can be predicted")  # fmt: skip
    add("--dirty-scores", "--dirty_scores", action="store_true",
        help="tables with unusual names, codes and units, and with missing values")  # fmt: skip
    add("--seed", type=seed, default=0, help="same seed, same bytes (0)")
    add("--n-procs", "--nprocs", "--n_procs", type=positive_int, default=1, metavar="N",
        help="participants processed in parallel (1)")  # fmt: skip
    return parser


def parse_simulation(argv: Sequence[str] | None = None) -> SimulationSettings:
    """Turn command line arguments into settings.

    Raises
    ------
    UsageError
        An option is unknown, or its value impossible.
    """
    args = build_parser().parse_args(argv)
    if args.participants + args.controls > MOST_PEOPLE:
        raise UsageError(
            f"{args.participants} participants and {args.controls} controls are more than "
            f"{MOST_PEOPLE} people: ask for fewer."
        )
    if not VOXEL_SIZES[0] <= args.voxel_size <= VOXEL_SIZES[1]:
        raise UsageError(
            f"--voxel-size {args.voxel_size:g}: use {VOXEL_SIZES[0]:g} to {VOXEL_SIZES[1]:g} mm."
        )
    if args.directions < FEWEST_DIRECTIONS:
        raise UsageError(
            f"--directions {args.directions}: a tensor needs at least {FEWEST_DIRECTIONS}."
        )
    if args.signal_seconds < SHORTEST or args.signal_rate < SLOWEST:
        raise UsageError(
            f"--signal-seconds {args.signal_seconds} --signal-rate {args.signal_rate}: use "
            f"at least {SHORTEST} s and {SLOWEST} Hz."
        )
    if args.physiology_share is not None and not 0 <= args.physiology_share <= 1:
        raise UsageError(f"--physiology-share {args.physiology_share:g}: use 0 to 1.")
    if args.recovery is not None and (args.sessions == 1 or not 0 <= args.recovery <= 1):
        raise UsageError(
            f"--recovery {args.recovery:g}: use 0 to 1, and --sessions 2, as it lies between them."
        )
    return SimulationSettings(
        output_dir=args.output_dir,
        n_participants=args.participants,
        n_controls=args.controls,
        n_sites=args.sites,
        n_sessions=args.sessions,
        modalities=tuple(args.modalities),
        voxel_size=args.voxel_size,
        n_directions=args.directions,
        n_volumes=args.volumes,
        signal_seconds=args.signal_seconds,
        signal_rate=args.signal_rate,
        physiology_share=args.physiology_share,
        recovery=args.recovery,
        seed=args.seed,
        n_procs=args.n_procs,
        shuffle_scores=args.shuffle_scores,
        dirty_scores=args.dirty_scores,
    )


def main(argv: Sequence[str] | None = None) -> str:
    """Simulate what the command line asks for, and say in one sentence what was written."""
    settings = parse_simulation(argv)
    _log_to_terminal()
    simulate.run(settings)
    return (
        f"{settings.n_participants} patients and {settings.n_controls} controls are in "
        f"{settings.output_dir}; the truth about them is in {settings.output_dir}/sourcedata/truth."
    )


def _log_to_terminal() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("motor_bids_app")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
