"""Checklists of reporting and appraisal, filled from a run where software can know.

Each checklist is a module of data: items with their official numbers, own short wording, what the
authors have to write, and, where the run can tell, a function of `RunFacts` that says it.
"""

from motor_bids_app.reports.checklists.claim import CLAIM
from motor_bids_app.reports.checklists.facts import RunFacts
from motor_bids_app.reports.checklists.items import Checklist, Item
from motor_bids_app.reports.checklists.model_card import MODEL_CARD
from motor_bids_app.reports.checklists.probast import PROBAST
from motor_bids_app.reports.checklists.rendering import checklist_json, render_checklist
from motor_bids_app.reports.checklists.tripod import TRIPOD

CHECKLISTS = (TRIPOD, PROBAST, CLAIM, MODEL_CARD)
__all__ = [
    "CHECKLISTS",
    "MODEL_CARD",
    "Checklist",
    "Item",
    "RunFacts",
    "checklist_json",
    "render_checklist",
]
