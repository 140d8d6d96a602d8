"""Derivatives of finished diffusion: maps, the brain mask of a series, figures, facts."""

from motor_bids_app.bids.finished import Finished
from motor_bids_app.levels.participant.diffusion.files import MAP_UNITS
from motor_bids_app.levels.participant.diffusion.finished.preprocess import PlacedMaps
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.resampling import resample_inside
from motor_bids_app.reports.participant import checks, tensor_checks
from motor_bids_app.spaces.grids import standard_grid


def save_placed(result: PlacedMaps, finished: Finished, outputs: Outputs) -> None:
    """Save all that became of finished maps, or of a finished series."""
    shown, head = result.shown, result.head
    if shown is not None and head is not None:
        what = "FA" if finished.maps else "b = 0"
        figure = checks.coregistration(shown, head.image, head.white_matter, head.brain, what=what)
        outputs.save_figure(figure)
    _save_maps(result, finished, outputs)
    if finished.dwi is not None and not finished.maps:
        path = outputs.path("mask", "dwi", desc="brain")
        outputs.save(result.brain, path, [finished.dwi_brain or finished.dwi], Type="Brain")
    outputs.save_figure(tensor_checks.tensor_maps(result.maps, result.brain))
    outputs.save_facts("dwi", result.facts)


def _save_maps(result: PlacedMaps, finished: Finished, outputs: Outputs) -> None:
    """Save maps on the standard grid, and on their own where that is another."""
    series = [path for path in (finished.dwi, finished.bval, finished.bvec) if path]
    for name, image in result.maps.items():
        sources = [finished.maps[name]] if finished.maps else series
        entities = {"model": "tensor", "param": name}
        sidecar = {"Model": {"Description": "Diffusion tensor"}, "Units": MAP_UNITS[name]}
        if result.shown is not None:
            outputs.save(image, outputs.path("dwimap", "dwi", **entities), sources, **sidecar)
        grid = standard_grid(RESOLUTION)
        moved = resample_inside(image, result.brain, grid, result.from_standard)
        path = outputs.path("dwimap", "dwi", **entities, standard=True)
        outputs.save(moved, path, sources, **sidecar)
