"""The step of diffusion: read, compute, write."""

from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.diffusion.files import save_preprocessed
from motor_bids_app.levels.participant.diffusion.preprocess import preprocess_series
from motor_bids_app.levels.participant.diffusion.read import read_series
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.settings import ProcessingSettings


def preprocess_diffusion(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save denoised and corrected diffusion data, tensor maps and their standard forms.

    Raises
    ------
    DataError
        The series, or what describes it, cannot be used.
    """
    series = read_series(scan, outputs, settings)
    result = preprocess_series(series, settings)
    save_preprocessed(result, series, scan, outputs)
