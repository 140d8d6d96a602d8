"""Which volumes of a participant the page lets readers explore: those saved in standard space."""

from collections.abc import Iterator
from pathlib import Path

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import ANATOMY
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.reports.participant.tensor_checks import TENSOR_MAPS
from motor_bids_app.reports.participant.viewer import ViewedMap, Viewer, pack_viewer
from motor_bids_app.spaces.templates import load_template

_TISSUES = {"GM": "Grey matter", "WM": "White matter", "CSF": "Fluid"}
_HIGHEST = {"fa": 1.0}  # of a scale; of diffusivities that of fluid
_FLUID = 3.0  # µm²/ms


def viewed(outputs: Outputs) -> Viewer | None:
    """Pack what there is of a participant and session; None where nothing is in standard space.

    Without a head image the template stands below the maps.
    """
    maps = [*_heads(outputs), *_lesion(outputs), *_tissue(outputs), *_diffusion(outputs)]
    if not maps:
        return None
    if not any(one.role == "image" for one in maps):
        template = load_template("T1w", RESOLUTION)
        maps.insert(0, ViewedMap(label="Template (T1w)", image=template, role="image"))
    return pack_viewer(maps, load_template("brain", RESOLUTION))


def _heads(outputs: Outputs) -> Iterator[ViewedMap]:
    """Head images, the one that was registered first."""
    head = outputs.head.name if outputs.head else ""
    for contrast in sorted(ANATOMY, key=lambda name: not head.endswith(f"_{name}.nii.gz")):
        path = outputs.path(contrast, "anat", desc="preproc", standard=True)
        if path.is_file():
            yield ViewedMap(label=contrast, image=load_image(path), role="image")


def _lesion(outputs: Outputs) -> Iterator[ViewedMap]:
    path = outputs.path("mask", "anat", label="L", standard=True)
    if path.is_file():
        yield ViewedMap(label="Lesion", image=load_image(path), role="lesion", top=1.0)
    path = outputs.path("probseg", "anat", label="L", desc="disconnection", standard=True)
    yield from _share("Streamlines cut by the lesion (share)", path)


def _tissue(outputs: Outputs) -> Iterator[ViewedMap]:
    if outputs.head is not None:
        for name, label in _TISSUES.items():
            yield from _share(f"{label} (probability)", outputs.tissue(name, standard=True))


def _share(label: str, path: Path) -> Iterator[ViewedMap]:
    if path.is_file():
        image = load_image(path)
        yield ViewedMap(label=label, image=image, role="overlay", top=1.0, fades=True)


def _diffusion(outputs: Outputs) -> Iterator[ViewedMap]:
    """Maps of the tensor, or the mean diffusivity of a trace."""
    for name, (label, _, _, unit, factor) in TENSOR_MAPS.items():
        for model in ("tensor", "trace"):
            path = outputs.path("dwimap", "dwi", model=model, param=name, standard=True)
            if path.is_file():
                yield ViewedMap(
                    label=label,
                    image=load_image(path),
                    role="overlay",
                    top=_HIGHEST.get(name, _FLUID),
                    unit=unit,
                    factor=factor,
                )
