"""Methods text of the participant level, written from the steps that were done."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from motor_bids_app.reports.pages import MethodsText, Reference


@dataclass(frozen=True, kw_only=True)
class _Step:
    sentence: str
    references: tuple[str, ...] = ()


REFERENCES = {
    reference.key: reference
    for reference in (
        Reference(
            key="Tustison et al. 2010",
            citation="Tustison NJ, Avants BB, Cook PA, et al. N4ITK: improved N3 bias correction. "
            "IEEE Transactions on Medical Imaging 29, 1310-1320 (2010).",
            doi="10.1109/TMI.2010.2046908",
        ),
    )
}
