"""The anatomical step: read, preprocess, save."""

from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.anatomy.files import save_anatomy
from motor_bids_app.levels.participant.anatomy.preprocess import preprocess_anatomy
from motor_bids_app.levels.participant.anatomy.read import read_anatomy
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.settings import ProcessingSettings


def process_anatomy(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save the anatomical derivatives of a participant who has a T1w, T2w or FLAIR image."""
    anatomy = preprocess_anatomy(read_anatomy(scan), sloppy=settings.sloppy)
    save_anatomy(anatomy, scan, outputs)
