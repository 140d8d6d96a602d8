"""The bold step of one participant: files read, computed, saved."""

from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.functional.files import save_bold
from motor_bids_app.levels.participant.functional.inputs import read_inputs
from motor_bids_app.levels.participant.functional.preprocess import process_bold
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.settings import ProcessingSettings


def preprocess_bold(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save the series in standard space, its confounds, its clean form, and M1's connectivity.

    Raises
    ------
    DataError
        The series, or what describes it, cannot be used; or there is no head image.
    """
    assert scan.bold is not None
    inputs = read_inputs(scan, outputs, settings)
    done = process_bold(inputs, settings)
    save_bold(done, inputs, scan.bold, outputs, settings.bold)
