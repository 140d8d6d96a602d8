"""The table of the preprocessing benchmark: its lines, chains of peers, and limits."""

from dataclasses import dataclass, field

import numpy as np

OURS, TOTAL = "motor_bids_app", "participant level"
MASKED = f"{OURS}, lesion masked"
ANTS_CHAIN, DIPY_CHAIN = "antspyx, our brain mask, MRtrix", "dipy, with no bias field or mask"
CHAINS = {  # the steps of a chain
    ANTS_CHAIN: (
        "ants_n4",
        "ants_syn_masked",
        "ants_atropos",
        "mrtrix_denoise",
        "ants_motion",
        "mrtrix_tensor",
    ),
    DIPY_CHAIN: ("dipy_syn", "dipy_hmrf", "dipy_mppca", "dipy_motion", "dipy_tensor"),
}
LIMITS = (  # step, program, measure, what is asked for, and whether more is better
    (TOTAL, OURS, "seconds", 75, False),
    (TOTAL, OURS, "GiB", 6, False),
    (TOTAL, ANTS_CHAIN, "times ours", 8, True),
    (TOTAL, DIPY_CHAIN, "times ours", 20, True),
    ("registration", MASKED, "error mm", 0.9, False),
    ("registration", MASKED, "near lesion mm", 2.1, False),
    ("registration", MASKED, "near lesion to unmasked", 1, False),
    ("tissue", OURS, "GM Dice", 0.91, True),
    ("tissue", OURS, "WM Dice", 0.90, True),
    ("denoising", OURS, "FA bias, size %", 1, False),
    ("denoising", OURS, "FA RMSE to dwidenoise's", 1, False),
    ("tensor", OURS, "most FA off dipy's", 1e-5, False),
    ("motion", OURS, "most mm", 0.3, False),
    ("motion", OURS, "most degrees", 0.3, False),
    ("b0 to T1w", OURS, "most mm", 1, False),
    ("b0 to T1w", OURS, "most degrees", 1, False),
)


@dataclass
class Row:
    """A line of the table."""

    step: str
    program: str
    seconds: float
    quality: dict[str, float] = field(default_factory=dict)
    scale: float = 1.0  # of the seconds, where only a part was done


def compare(rows, others, work):
    """Add what only both together tell: ratios, and the chains."""
    first = {row.step: row for row in reversed(rows) if row.program == OURS}
    quality = first["denoising"].quality
    quality["FA bias, size %"] = abs(quality["FA bias %"])
    if "mrtrix_denoise" in others:
        peer = others["mrtrix_denoise"].quality["FA RMSE"]
        quality["FA RMSE to dwidenoise's"] = quality["FA RMSE"] / peer
    if "dipy_tensor" in others:
        most = np.abs(np.load(work / "fa.npy") - np.load(work / "dipy_tensor.npy")).max()
        first["tensor"].quality["most FA off dipy's"] = float(most)
    for name, steps in CHAINS.items():
        if not set(steps) <= set(others):
            print(f"left out: the chain of {name}, as it is not complete")
            continue
        seconds = sum(others[step].seconds for step in steps)
        seconds += first["brain mask"].seconds if name == ANTS_CHAIN else 0
        rows.append(Row(TOTAL, name, seconds))
    rows += others.values()
    for row in rows:
        if OURS not in row.program and row.step in first:
            row.quality = {"times ours": row.seconds / first[row.step].seconds} | row.quality


def show(rows):
    """Print the table, the lines of one step together."""
    steps = dict.fromkeys(row.step for row in rows)
    for step in steps:
        print(step)
        for row in (row for row in rows if row.step == step):
            scaled = "(scaled)" if row.scale != 1 else ""
            measures = ", ".join(f"{name} {value:.3g}" for name, value in row.quality.items())
            print(f"  {row.program:33} {row.seconds:8.1f} s {scaled:9} {measures}")


def missed(rows, limits=LIMITS):
    """Say which limits are missed, and which were not measured; 1 if any is missed."""
    found = {(row.step, row.program): {"seconds": row.seconds, **row.quality} for row in rows}
    failed, unknown = [], []
    for step, program, measure, limit, more in limits:
        name, value = f"{step}, {program}: {measure}", found.get((step, program), {}).get(measure)
        if value is None:
            unknown.append(name)
        elif (value < limit) if more else (value > limit):
            failed.append(f"{name} {value:.3g} (limit {limit:g})")
    for title, names in (("not measured", unknown), ("missed", failed)):
        if names:
            print(f"\n{title}:\n  " + "\n  ".join(names))
    if not failed:
        print("\nall limits that were measured are met")
    return 1 if failed else 0
