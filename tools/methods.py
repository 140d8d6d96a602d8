"""Write docs/methods.md: all steps of the participant level, with formulas and references.

usage: python tools/methods.py > docs/methods.md

Sentences and references are those of the methods text that every report has; a formula stands here,
beside the key of the step that it belongs to.
"""

from motor_bids_app.reports.participant.method_steps import PARAGRAPHS, STEPS
from motor_bids_app.reports.references import REFERENCES
from motor_bids_app.settings import STANDARD_SPACE

HEAD = """# Methods of the participant level

All steps, in the order in which they run. Which of them ran for a person depends on the images and
options: the report of a participant has the same sentences for the steps that were done, to copy
into a paper, and `--boilerplate-only` writes them to a file. How models are trained and evaluated:
[evaluation.md](evaluation.md). How each measure is named in tables: [outputs.md](outputs.md). This
page is written by `tools/methods.py` from the sentences of the reports, and a test compares it.
"""
FORMULAS = {  # of a step: lines of plain text, and what the letters are
    "tensor": (
        "log S_i = log S0 - b_i g_i' D g_i\n"
        "MD = (l1 + l2 + l3) / 3,   AD = l1,   RD = (l2 + l3) / 2\n"
        "FA = sqrt(3/2 * ((l1 - MD)^2 + (l2 - MD)^2 + (l3 - MD)^2) / (l1^2 + l2^2 + l3^2))",
        "S_i: signal of volume i with weighting b_i along g_i; D: tensor; l1 to l3: its "
        "eigenvalues, mm^2/s. Weights of the second fit: predicted S_i squared.",
    ),
    "bold_motion": (
        "FD_t = |dx| + |dy| + |dz| + 50 mm * (|da| + |db| + |dc|)",
        "d: change since the volume before, of translations in mm and rotations in radians.",
    ),
    "bold_connectivity": (
        "r_v = corr(seed, voxel v),   z_v = artanh(r_v)",
        "Over the whole series, and in each window; the maps of windows are summarised by their "
        "mean and standard deviation.",
    ),
    "signal_rhythms": (
        "delta/alpha = mean over channels of P(1 to 4 Hz) / P(8 to 13 Hz)\n"
        "symmetry index = mean over 1 to 25 Hz of |R(f) - L(f)| / (R(f) + L(f))\n"
        "asymmetry = (left - right) / (left + right)",
        "P: power in a band; R, L: mean power density of the right and left half of the cap.",
    ),
    "signal_muscles": (
        "co-contraction = 2 * sum_t min(a_t, b_t) / sum_t (a_t + b_t)",
        "a, b: envelopes of two antagonists.",
    ),
    "signal_coherence": (
        "C = (n * C_measured - 1) / (n - 1)",
        "n: number of segments; signals without relation have 1 / n in the mean, and C = 0.",
    ),
    "tract_load": (
        "load = sum_v p_v m_v / sum_v p_v\nweighted load = sum_v p_v m_v V A_max / A_z(v)   (ml)",
        "p_v: probability of the tract in voxel v (0 to 1); m_v: 1 in the lesion; V: volume of a "
        "voxel; A_z: area of the tract in the axial section of v, A_max: the largest. Sections "
        "above the widest weigh 1, and those of less than a tenth of its area, at the lower end, "
        "0. Of the two sides the larger is `tract_load`.",
    ),
    "disconnection": (
        "share = cut streamlines / all streamlines",
        "Of a bundle, a region, or a pair of regions.",
    ),
    "regions": (
        "asymmetry = (left - right) / (left + right)",
        "left, right: means of a map in a region, lesion left out.",
    ),
}


def document() -> str:
    """Return the page.

    Raises
    ------
    SystemExit
        A formula is of no step.
    """
    if unknown := FORMULAS.keys() - STEPS.keys():
        raise SystemExit(f"FORMULAS has {sorted(unknown)}, of which there is no step.")
    lines, cited = [HEAD], {}
    for heading in PARAGRAPHS:
        lines.append(f"## {heading.rstrip('.')}\n")
        for name, step in STEPS.items():
            if step.paragraph != heading:
                continue
            lines.append(f"- **{name}**: {step.sentence.format(space=STANDARD_SPACE)}")
            cited |= {key: REFERENCES[key] for key in step.references}
            if name in FORMULAS:
                formula, letters = FORMULAS[name]
                lines += ["", "  ```text", *(f"  {line}" for line in formula.splitlines())]
                lines += ["  ```", "", f"  {letters}"]
        lines.append("")
    lines.append("## References\n")
    for key in sorted(cited, key=str.casefold):
        found = cited[key]
        address = f" [doi:{found.doi}](https://doi.org/{found.doi})" if found.doi else ""
        lines.append(f"- {found.citation}{address}")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(document(), end="")
