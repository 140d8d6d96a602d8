"""A diffusion series with the files that describe it."""

from dataclasses import dataclass
from pathlib import Path

from motor_bids_app.bids.search import Found, inherited


@dataclass(frozen=True)
class DwiFile:
    """One of several diffusion series of a session."""

    path: Path
    bval: Path
    bvec: Path
    sidecars: tuple[Path, ...] = ()

    @classmethod
    def of(cls, file: Found, root: Path) -> "DwiFile":
        """Name the files that belong to a series, which must have gradients."""
        return cls(
            path=file.path,
            bval=inherited(file.path, ".bval", root)[-1],
            bvec=inherited(file.path, ".bvec", root)[-1],
            sidecars=tuple(inherited(file.path, ".json", root)),
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.path, self.bval, self.bvec, *self.sidecars)
