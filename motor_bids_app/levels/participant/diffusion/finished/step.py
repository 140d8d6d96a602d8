"""The step of diffusion that another tool has finished: read, compute, write."""

from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.diffusion.finished.files import save_placed
from motor_bids_app.levels.participant.diffusion.finished.preprocess import fit_series, place_maps
from motor_bids_app.levels.participant.diffusion.finished.read import read_maps, read_series
from motor_bids_app.levels.participant.outputs import Outputs


def take_diffusion(scan: Scan, outputs: Outputs) -> None:
    """Save tensor maps, native and in standard space, from finished maps or a finished series.

    Raises
    ------
    DataError
        There is no head to place them by, or the maps are in no known unit.
    """
    if scan.finished.maps:
        result = place_maps(read_maps(scan, outputs))
    else:
        result = fit_series(read_series(scan, outputs))
    save_placed(result, scan.finished, outputs)
