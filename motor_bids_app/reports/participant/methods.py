"""Methods text of the participant level, written from the steps that were done."""

from collections.abc import Collection, Mapping

from motor_bids_app.reports.pages import MethodsText, Reference
from motor_bids_app.reports.participant.method_steps import PARAGRAPHS, STEPS
from motor_bids_app.reports.references import REFERENCES

PIECES = {  # what a finished derivative may answer, in words
    "head": "bias-corrected head",
    "brain": "brain mask",
    "tissue": "tissue probabilities",
    "transform": "transform to the standard space",
    "dwi": "diffusion series without noise and motion",
    "maps": "tensor maps",
    "bold": "bold series without motion, with its confounds",
}


def participant_methods(
    steps: Collection[str],
    *,
    space: str,
    versions: Mapping[str, str],
    taken: Mapping[str, str] | None = None,
) -> MethodsText:
    """Write the methods of the steps that were done, and of no other.

    Parameters
    ----------
    steps : collection of str
        Keys of `STEPS`, in any order.
    space : str
        Name of the standard space.
    versions : mapping of str to str
        Software -> version; "motor_bids_app" is named first.
    taken : mapping of str to str, optional
        Keys of `PIECES` that were not computed -> the derivative they were taken from.

    Raises
    ------
    ValueError
        A step has no text.

    Examples
    --------
    >>> text = participant_methods({"bias"}, space="MNI", versions={"motor_bids_app": "1.0"})
    >>> [reference.key for reference in text.references]
    ['Tustison et al. 2010']
    """
    unknown = sorted(set(steps) - set(STEPS))
    if unknown:
        raise ValueError(f"steps {unknown} have no methods text: use {[*STEPS]}.")
    version = versions.get("motor_bids_app", "of unknown version")
    others = ", ".join(f"{name} {v}" for name, v in versions.items() if name != "motor_bids_app")
    paragraphs = [
        f"Images were processed with motor_bids_app {version}"
        + (f", which uses {others}." if others else ".")
    ]
    if taken:
        paragraphs.append(_finished(taken))
    cited: dict[str, Reference] = {}
    for heading in PARAGRAPHS:
        done = [s for name, s in STEPS.items() if name in steps and s.paragraph == heading]
        if done:
            sentences = " ".join(step.sentence.format(space=space) for step in done)
            paragraphs.append(f"{heading} {sentences}")
            cited |= {key: REFERENCES[key] for step in done for key in step.references}
    return MethodsText(paragraphs=tuple(paragraphs), references=tuple(cited.values()))


def _finished(taken: Mapping[str, str]) -> str:
    """Say what was taken from where, and where its methods are written."""
    sources: dict[str, list[str]] = {}
    for product, source in taken.items():
        sources.setdefault(source, []).append(PIECES[product])
    sentences = [
        f"Not computed but taken from {source}: {', '.join(products)}."
        for source, products in sources.items()
    ]
    tissue = " Tissue probabilities were set to 0 in the lesion." if "tissue" in taken else ""
    return f"Finished derivatives. {' '.join(sentences)}{tissue} Their methods are described there."


def as_text(methods: MethodsText) -> str:
    """Return the text with its references as Markdown, for a file of its own."""
    lines = [*methods.paragraphs]
    if methods.references:
        lines.append("### References")
        lines += [
            f"- {r.citation}" + (f" doi:{r.doi}" if r.doi else "") for r in methods.references
        ]
    return "\n\n".join(lines) + "\n"
