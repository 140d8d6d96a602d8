"""Preprocessing at full size (T1w 1 mm, dwi 2 mm) against the simulated truth.

usage: python benchmarks/maps.py [PEOPLE] [FOLDER]
Prints a table of quality, and the time of each step on one and the same machine.
"""

import logging
import platform
import sys
import tempfile
from pathlib import Path

import pandas as pd

from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.truth import compare_with_truth
from motor_bids_app.levels.run import run_level
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.settings import ProcessingSettings, Resources, Settings

LIMITS = {  # what is asked for, and whether more is better
    "brain_dice": (0.95, True),
    "gm_correlation": (0.85, True),
    "wm_correlation": (0.85, True),
    "fa_error": (0.05, False),
    "deformation_mm": (1.5, False),
}
SEED = 5


def main() -> int:
    """Simulate, process, compare, print; 1 if a limit is missed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else scratch).absolute()
        simulate.run(
            SimulationSettings(
                output_dir=folder / "bids",
                n_participants=people,
                n_controls=0,
                voxel_size=1.0,
                seed=SEED,
                n_procs=1,
            )
        )
        settings = Settings(
            bids_dir=folder / "bids",
            output_dir=folder / "out",
            level="participant",
            processing=ProcessingSettings(omp_nthreads=2),
            resources=Resources(n_procs=1),
        )
        run_level(settings)
        labels = [f"{number:03d}" for number in range(1, people + 1)]
        rows = {
            f"sub-{label}": compare_with_truth(
                settings.bids_dir, Outputs(settings.output_dir, label, None)
            )
            for label in labels
        }
        status = read_table(settings.output_dir / "logs" / "participants_status.tsv")
    table = pd.DataFrame(rows)
    table["mean"] = table.mean(axis=1)
    table["limit"] = pd.Series({name: limit for name, (limit, _) in LIMITS.items()})
    print(f"\nT1w 1 mm, dwi 2 mm, {people} people, 2 threads; {platform.machine()}")
    print(table.round(3).to_string(na_rep="-"))
    print("\nseconds and peak memory (MB) of each step")
    print(status[["participant_id", "modality", "seconds", "peak_memory"]].to_string(index=False))
    missed = [
        name for name, (limit, more) in LIMITS.items() if (table.loc[name, "mean"] < limit) == more
    ]
    print("\nall limits are met" if not missed else f"\nmissed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
