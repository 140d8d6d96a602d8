"""The figures by which a person checks the work on one participant, with the words they need.

Images are volumes in any orientation; masks and maps drawn over them are on their grid.
"""

from collections.abc import Mapping

import nibabel as nib
import numpy as np
from scipy import ndimage

from motor_bids_app.mri.threads import each
from motor_bids_app.reports.figures import (
    BRAIN,
    EDGES,
    LESION,
    Layer,
    Row,
    contrast,
    draw_rows,
    mosaic,
)
from motor_bids_app.reports.pages import Figure
from motor_bids_app.spaces.grids import Grid

TISSUES = {"GM": ("#e8a33d", "orange"), "WM": ("#5aa9e6", "blue"), "CSF": ("#7bd389", "green")}
_PLANES = ("axial", "coronal", "sagittal")
_BLUR = 4.0  # mm, standard deviation of the smoothing that leaves only the bias field


def brain_mask(
    head: nib.Nifti1Image, brain: nib.Nifti1Image, lesion: nib.Nifti1Image | None = None
) -> Figure:
    """Show the outline of the brain mask, and the lesion that it must hold."""
    picture = mosaic(head, layers=[Layer(image=brain, colour=BRAIN)], around=brain, lesion=lesion)
    return png(
        "brain-mask",
        "Brain mask",
        "Orange: edge of the brain mask"
        + (". Red: lesion" if lesion is not None else "")
        + ". The line should follow the surface of the brain, include the whole cerebellum and "
        "the lesion, and exclude skull, eyes and neck.",
        "Axial, coronal and sagittal slices of the head with the edge of the brain mask",
        picture,
    )


def bias_field(before: nib.Nifti1Image, after: nib.Nifti1Image, brain: nib.Nifti1Image) -> Figure:
    """Show the head before and after bias correction, and the smooth field between them."""
    field = _smooth_ratio(before, after, brain)
    rows = [
        Row(image=before, label="before"),
        Row(image=field, label="field", colours="RdBu_r", limits=(0.7, 1.3), unit="ratio"),
    ]
    return png(
        "bias-field",
        "Bias field",
        "The same slices before and after correction, and the smoothed ratio of the two. After "
        "correction, white matter should be uniformly bright and the field smooth: if the field "
        "shows anatomy, the correction has removed contrast.",
        "Axial slices before and after bias correction, and the estimated field",
        draw_rows(rows, around=brain),
        draw_rows([Row(image=after, label="after")], around=brain, bars=True),
    )


def registration(
    warped: nib.Nifti1Image,
    template: nib.Nifti1Image,
    *,
    brain: nib.Nifti1Image,
    white_matter: nib.Nifti1Image,
    lesion: nib.Nifti1Image | None = None,
) -> Figure:
    """Show the head brought to the standard space under the outlines of the template.

    `brain` and `white_matter` are the template's.
    """
    layers = [Layer(image=white_matter, colour=EDGES), Layer(image=brain, colour=BRAIN)]
    marked = [*layers]
    if lesion is not None:
        marked.append(Layer(image=lesion, colour=LESION, style="lesion"))
    mine, templates = (
        [Row(image=image, plane=plane, layers=drawn, label=label) for plane in _PLANES]
        for image, drawn, label in (
            (warped, marked, "participant"),
            (template, layers, "template"),
        )
    )
    return png(
        "registration",
        "Registration to the template",
        "The participant in the standard space, with the outlines of the template's brain "
        "(orange) and white matter (blue), and the same slices of the template itself. Ventricles, "
        "cortex and the edge of the brain should match the lines, except near a lesion.",
        "Slices of the registered participant and of the template, with the template's outlines",
        draw_rows(mine, around=brain),
        draw_rows(templates, around=brain),
        ("participant", "template"),
    )


def lesion_native(head: nib.Nifti1Image, lesion: nib.Nifti1Image, brain: nib.Nifti1Image) -> Figure:
    """Show the lesion mask on the image of the participant."""
    return png(
        "lesion-native",
        "Lesion on the participant's own image",
        "Red: lesion mask as given. It should cover the damaged tissue and nothing else; the last "
        "row shows slices through the whole lesion.",
        "Slices of the head with the lesion filled in red",
        mosaic(head, around=brain, lesion=lesion),
    )


def lesion_standard(
    image: nib.Nifti1Image,
    lesion: nib.Nifti1Image,
    tracts: Mapping[str, nib.Nifti1Image],
    brain: nib.Nifti1Image,
) -> Figure:
    """Show the lesion in the standard space with the corticospinal tracts (probabilities)."""
    layers = [Layer(image=_scaled(tract), colour=EDGES, style="tint") for tract in tracts.values()]
    layers.append(Layer(image=lesion, colour=LESION, style="lesion"))
    low, high = contrast(np.asarray(image.dataobj, dtype=np.float32))
    dim = (low, 1.6 * high)  # so that the colours stand out
    rows = [
        Row(image=image, layers=layers, label="through the lesion", cut_through=lesion, limits=dim),
        Row(image=image, plane="coronal", layers=layers, cut_through=lesion, limits=dim),
    ]
    return png(
        "lesion-standard",
        "Lesion and corticospinal tract in the standard space",
        "Red: lesion. Blue: probability of the corticospinal tract on both sides. Their overlap "
        "gives the tract lesion load.",
        "Slices through the lesion in the standard space with the corticospinal tracts",
        draw_rows(rows, around=brain),
    )


def tissue(
    head: nib.Nifti1Image, tissues: Mapping[str, nib.Nifti1Image], brain: nib.Nifti1Image
) -> Figure:
    """Show tissue probabilities (keys GM, WM, CSF) as colours over the head."""
    layers = [
        Layer(image=tissues[name], colour=colour, style="tint")
        for name, (colour, _) in TISSUES.items()
        if name in tissues
    ]
    rows = [
        Row(image=head, label="head"),
        Row(image=head, layers=layers, label="tissue"),
        Row(image=head, plane="coronal", layers=layers),
    ]
    names = ", ".join(f"{word} {name}" for name, (_, word) in TISSUES.items() if name in tissues)
    return png(
        "tissue",
        "Tissue probabilities",
        f"The stronger the colour, the higher the tissue probability ({names}). The ribbon of "
        "cortex and the deep nuclei should be grey matter; lesions are excluded.",
        "Slices of the head, plain and coloured by tissue",
        draw_rows(rows, around=brain),
    )


def denoising(
    before: nib.Nifti1Image,
    after: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    removed: nib.Nifti1Image | None = None,
) -> Figure:
    """Show one diffusion volume before and after denoising, and what was taken away.

    `removed` is the root mean square of that over all volumes.
    """
    first = np.asarray(before.dataobj, dtype=np.float32)
    last = np.asarray(after.dataobj, dtype=np.float32)
    residual = nib.Nifti1Image(first - last, before.affine)
    inside = np.asarray(brain.dataobj) > 0
    spread = float(np.percentile(np.abs(first - last)[inside], 99)) if inside.any() else 0.0
    high = float(np.percentile(first[inside], 99.5)) if inside.any() else 0.0
    same = (0.0, high or 1.0)
    rows = [
        Row(image=before, label="before", limits=same),
        Row(image=residual, label="removed", limits=(-spread or -1.0, spread or 1.0)),
    ]
    if removed is not None:
        rows.append(Row(image=removed, label="removed, all volumes", limits=(0, spread or 1.0)))
    return png(
        "denoising",
        "Denoising of the diffusion series",
        "One diffusion-weighted volume before and after denoising, and the difference with "
        "stretched contrast; last row: root mean square of the difference over all volumes. What "
        "was removed should look like noise: visible edges mean lost anatomy.",
        "Axial slices of a diffusion volume before and after denoising, and their difference",
        draw_rows(rows, around=brain),
        draw_rows([Row(image=after, label="after", limits=same)], around=brain),
    )


def coregistration(
    b0: nib.Nifti1Image,
    head: nib.Nifti1Image,
    white_matter: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    what: str = "b = 0",
) -> Figure:
    """Show the mean b = 0 volume, or `what` else, on the anatomical grid under its outlines."""
    layers = [Layer(image=white_matter, colour=EDGES), Layer(image=brain, colour=BRAIN)]
    moved, fixed = (
        [Row(image=image, layers=layers, plane=plane, label=label) for plane in _PLANES]
        for image, label in ((b0, what), (head, "anatomy"))
    )
    return png(
        "coregistration",
        "Diffusion on the anatomy",
        f"The {what} image aligned with the anatomical image, with the outlines of its brain mask "
        "(orange) and white matter (blue). Both images should match the lines; stretched or "
        "compressed frontal lobes indicate residual susceptibility distortion.",
        f"Slices of the {what} image and of the anatomy with the same outlines",
        draw_rows(moved, around=brain),
        draw_rows(fixed, around=brain),
        (what, "anatomy"),
    )


def png(
    name: str,
    title: str,
    caption: str,
    alt: str,
    data: bytes,
    second: bytes = b"",
    states: tuple[str, str] = ("before", "after"),
) -> Figure:
    """Return a picture with its words, `alt` without its full stop; `states` are of the two."""
    return Figure(
        name=name,
        title=title,
        caption=caption,
        alt=f"{alt}.",
        data=data,
        media_type="image/png",
        second=second,
        states=states if second else (),
    )


def _scaled(tract: nib.Nifti1Image) -> nib.Nifti1Image:
    """Raise faint probabilities, so that the colour shows where the tract can be at all."""
    probability = np.asarray(tract.dataobj, dtype=np.float32)
    return nib.Nifti1Image(np.sqrt(np.clip(probability, 0, 1)), tract.affine)


def _smooth_ratio(
    before: nib.Nifti1Image, after: nib.Nifti1Image, brain: nib.Nifti1Image
) -> nib.Nifti1Image:
    """Return the ratio of two smoothed images inside the brain (mean 1), 0 outside."""
    inside = np.asarray(brain.dataobj) > 0
    width = _BLUR / Grid.of(before).voxel_sizes
    heads = [np.asarray(image.dataobj, dtype=np.float32) * inside for image in (before, after)]
    smooth = each(lambda i: ndimage.gaussian_filter(heads[i], width, truncate=2), len(heads))
    usable = inside & (smooth[1] > 1e-6 * max(float(smooth[1].max()), 1e-30))
    ratio = np.zeros(inside.shape, dtype=np.float32)
    ratio[usable] = smooth[0][usable] / smooth[1][usable]
    if usable.any():
        ratio /= ratio[usable].mean()
    return nib.Nifti1Image(ratio, before.affine)
