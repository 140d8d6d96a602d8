"""Derivatives, figures and facts of the anatomy of one participant."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib

from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.levels.participant.anatomy.images import Anatomy, Contrast
from motor_bids_app.levels.participant.anatomy.preprocess import coarse_grid
from motor_bids_app.levels.participant.anatomy.read import head_runs
from motor_bids_app.levels.participant.lesion import lesion_sidecar, save_lesion_figure
from motor_bids_app.levels.participant.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.mri.resampling import displacement_field, resample
from motor_bids_app.reports.participant import checks
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_TAKEN = ("head", "brain", "tissue", "transform")  # what a derivative may have done already
_COMPUTED = {
    "denoise": "head",
    "bias": "head",
    "brain_mask": "brain",
    "registration": "transform",
    "tissue": "tissue",
}


def save_anatomy(anatomy: Anatomy, scan: Scan, outputs: Outputs) -> None:
    """Save head, brain mask, tissue, lesion and transforms, what to look at, and what to say."""
    assert scan.anatomy is not None
    _, contrast = scan.anatomy
    sources = [path for path in head_runs(scan) if path.name in anatomy.used]
    _save_images(anatomy, sources, scan, outputs)
    save_contrasts(anatomy.contrasts, scan, anatomy.head, anatomy.to_template, outputs)
    made_of = [scan.finished.transform] if scan.finished.transform else sources
    _save_transforms(anatomy, contrast, made_of, outputs)
    _draw(anatomy, outputs)
    outputs.save_facts("anat", anatomical_facts(anatomy, scan))


def anatomical_facts(anatomy: Anatomy, scan: Scan) -> Facts:
    """What was done to a head, and how well."""
    datasets = scan.finished.datasets
    taken = {name: datasets[name] for name in _TAKEN if name in datasets}
    facts = Facts(methods=_methods(anatomy, scan), taken=taken)
    contrast = scan.anatomy[1] if scan.anatomy else "T1w"
    if contrast != "T1w" and anatomy.tissue:
        facts.notes.append(
            f"There is no T1w: tissue was segmented in the {contrast}, which has less tissue "
            f"contrast. The maps have desc-{contrast} in their names; no feature is measured in "
            "them, and no model reads them."
        )
    if anatomy.lesion is not None and "transform" in taken:
        facts.notes.append(
            f"The registration to the template is that of {taken['transform']}: whether it left "
            "the lesion out is not known here. Look at it near the lesion."
        )
    facts.add(anatomy.facts)
    return facts


def anatomical_methods(scan: Scan) -> list[str]:
    """Names of the steps that no finished derivative answers."""
    assert scan.anatomy is not None
    there = scan.finished.datasets
    methods = ["reorient", *(name for name, piece in _COMPUTED.items() if piece not in there)]
    if scan.repeats and not scan.finished.head:
        methods.append("average")
    if any(scan.image(name) for name in ANATOMY if name != scan.anatomy[1]):
        methods.append("contrasts")
    if scan.lesion is not None:
        methods += ["standard_lesion"] if scan.lesion.is_standard else []
        methods += ["lesion_weighting"] if "transform" not in there else []
    return methods


def _methods(anatomy: Anatomy, scan: Scan) -> list[str]:
    """What was done to images that could be used."""
    undone = {
        "contrasts": not anatomy.contrasts,
        "average": len(anatomy.used) < 2,
        "tissue": not anatomy.tissue,
    }
    return [name for name in anatomical_methods(scan) if not undone.get(name)]


def _save_images(anatomy: Anatomy, sources: list[Path], scan: Scan, outputs: Outputs) -> None:
    """Save head, brain mask, tissue and lesion, on their own and on the standard grid."""
    assert scan.anatomy is not None
    _, contrast = scan.anatomy
    finished, standard = scan.finished, anatomy.standard
    saver = _Saver(outputs, sources)
    saver.save(anatomy.head, standard.head, suffix=contrast, desc="preproc")
    saver = _Saver(outputs, [finished.brain] if finished.brain else sources)
    saver.save(anatomy.brain, standard.brain, suffix="mask", desc="brain")
    for name, probability in anatomy.tissue.items():
        taken = finished.tissue.get(name)
        saver = _Saver(outputs, [taken] if taken else sources)
        other = {} if contrast == "T1w" else {"desc": contrast}
        saver.save(probability, standard.tissue[name], suffix="probseg", label=name, **other)
    if anatomy.lesion is not None and standard.lesion is not None and scan.lesion is not None:
        sidecar, origin = lesion_sidecar(scan.lesion), [*sources, *scan.lesion.paths]
        for mask, is_standard in ((anatomy.lesion.native, False), (standard.lesion, True)):
            path = outputs.path("mask", "anat", label="L", standard=is_standard)
            outputs.save(mask, path, origin, **sidecar)


@dataclass(frozen=True)
class _Saver:
    """Saves an image on its own grid and on the standard grid."""

    outputs: Outputs
    sources: list[Path]

    def save(
        self, image: nib.Nifti1Image, standard: nib.Nifti1Image, *, suffix: str, **names: str
    ) -> None:
        """Save both; in the standard space heads are without skull."""
        for one, is_standard in ((image, False), (standard, True)):
            path = self.outputs.path(suffix, "anat", **names, standard=is_standard)
            self.outputs.save(one, path, self.sources, **_sidecar(suffix, stripped=is_standard))


def _sidecar(suffix: str, *, stripped: bool) -> dict[str, object]:
    """Fields that BIDS requires of an image with this suffix."""
    if suffix == "mask":
        return {"Type": "Brain"}
    return {} if suffix == "probseg" else {"SkullStripped": stripped}


def save_contrasts(
    contrasts: Mapping[str, Contrast],
    scan: Scan,
    head: nib.Nifti1Image,
    to_template: Transform,
    outputs: Outputs,
) -> None:
    """Save each in the space of the head image and in the standard space, interpolated once."""
    assert scan.anatomy is not None
    space = scan.anatomy[1]
    for name, contrast in contrasts.items():
        source = scan.image(name)
        assert source is not None
        for grid, transform, path in (
            (Grid.of(head), Transform(), outputs.path(name, "anat", space=space, desc="preproc")),
            (
                standard_grid(RESOLUTION),
                to_template,
                outputs.path(name, "anat", desc="preproc", standard=True),
            ),
        ):
            moved = resample(contrast.image, grid, transform.then(contrast.matrix))
            outputs.save(moved, path, [source], SkullStripped=False)


def _save_transforms(
    anatomy: Anatomy, contrast: str, sources: list[Path], outputs: Outputs
) -> None:
    """Save both directions; named by the images they move, as BIDS does."""
    standard, native = standard_grid(RESOLUTION), coarse_grid(anatomy.head)
    for field, ends in (
        (displacement_field(anatomy.to_template, standard), (contrast, outputs.space)),
        (displacement_field(anatomy.to_native, native), (outputs.space, contrast)),
    ):
        path = outputs.path("xfm", "anat", transform=ends)
        outputs.save(field, path, sources, Description="Displacements in mm (LPS), as ITK reads")


def _draw(anatomy: Anatomy, outputs: Outputs) -> None:
    """Draw what a person should check."""
    mask = anatomy.lesion.native if anatomy.lesion else None
    outputs.save_figure(checks.brain_mask(anatomy.head, anatomy.brain, mask))
    if anatomy.raw is not None:
        outputs.save_figure(checks.bias_field(anatomy.raw, anatomy.head, anatomy.brain))
    if anatomy.tissue:
        outputs.save_figure(checks.tissue(anatomy.head, anatomy.tissue, anatomy.brain))
    if mask is not None:
        outputs.save_figure(checks.lesion_native(anatomy.head, mask, anatomy.brain))
    standard = anatomy.standard
    template = {kind: load_template(kind, RESOLUTION) for kind in ("T1w", "WM", "brain")}
    outputs.save_figure(
        checks.registration(
            standard.head,
            template["T1w"],
            brain=template["brain"],
            white_matter=template["WM"],
            lesion=standard.lesion,
        )
    )
    if standard.lesion is not None:
        save_lesion_figure(standard.head, standard.lesion, outputs)
