"""Files of derivative datasets of other tools, told by their names, and who made them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motor_bids_app.bids.files import read_json
from motor_bids_app.errors import MotorBidsAppError

TENSOR_MAPS = ("fa", "md", "rd", "ad")
_TENSOR_MODELS = (None, "tensor", "dti", "DTI")


@dataclass(frozen=True)
class Piece:
    """One file with the labels of its name, and the dataset that it is in."""

    path: Path
    dataset: str
    labels: Mapping[str, str]
    suffix: str

    @property
    def space(self) -> str | None:
        """Space that it is in, None: that of the image it was made from."""
        return self.labels.get("space")

    @property
    def quantity(self) -> str | None:
        """What a tensor map shows; None of other files.

        Names by BIDS (``model-tensor_param-fa_dwimap``), of older QSIRecon
        (``model-tensor_mdp-FA_dwimap``), and plain ones (``desc-fa_dwimap``, ``_FA``).
        """
        if self.labels.get("model") not in _TENSOR_MODELS:
            return None
        if self.suffix == "dwimap":
            keys = ("param", "mdp", "desc")
            name = next((self.labels[key] for key in keys if key in self.labels), "").lower()
        else:
            name = self.suffix.lower()
        return name if name in TENSOR_MAPS else None


def pieces_of(
    participant: str,
    folders: Mapping[str, Path],
    endings: tuple[str, ...] = (".nii", ".nii.gz", ".h5"),
) -> Iterator[Piece]:
    """List the images and transforms of a participant in some datasets."""
    for name, folder in folders.items():
        for path in sorted((folder / f"sub-{participant}").rglob(f"sub-{participant}_*")):
            *pairs, suffix = path.name.split(".")[0].split("_")
            if path.name.endswith(endings) and not path.is_dir():
                labels = dict(pair.split("-", 1) for pair in pairs if "-" in pair)
                yield Piece(path, name, labels, suffix)


def pieces_for(session: str | None, pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces of a session and of none; of a dataset without head for it, also a head of another.

    Tools make one head of all sessions, or of that session alone which has a T1w, and align the
    series of the others with it. It is that of the session before, by label, or else of the next.
    """
    everything = [*pieces]
    here = [piece for piece in everything if piece.labels.get("ses") in (None, session)]
    for dataset in dict.fromkeys(piece.dataset for piece in everything):
        if any(_is_any_head(piece) and piece.dataset == dataset for piece in here):
            continue
        heads = [p for p in everything if _is_any_head(p) and p.dataset == dataset]
        labels = sorted({head.labels["ses"] for head in heads})
        if labels:
            earlier = [label for label in labels if label < (session or "")]
            lender = earlier[-1] if earlier else labels[0]
            here += [
                piece
                for piece in everything
                if (piece.dataset, piece.labels.get("ses")) == (dataset, lender)
                and piece.path.parent.name == "anat"
            ]
    return here


def _is_any_head(piece: Piece) -> bool:
    return piece.suffix in ("T1w", "T2w") and piece.labels.get("desc") == "preproc"


def plainest(files: Sequence[Piece]) -> Piece | None:
    """The plainest name."""
    return min(files, key=lambda file: len(file.labels), default=None)


def nested_datasets(folders: Mapping[str, Path]) -> dict[str, Path]:
    """Add the datasets inside datasets: QSIRecon writes ``derivatives/qsirecon-<workflow>``."""
    found: dict[str, Path] = {}
    for name, folder in folders.items():
        found[name] = folder
        for inner in sorted((folder / "derivatives").glob("*")):
            if any(inner.glob("sub-*")):
                found[inner.name] = inner
    return found


def describe_datasets(folders: Mapping[str, Path]) -> dict[str, str]:
    """Name each derivative with the tool and version that made it: 'fmriprep (fMRIPrep 24.1)'."""
    described = {}
    for name, folder in nested_datasets(folders).items():
        maker = maker_of(folder)
        tool = f"{maker.get('Name', '')} {maker.get('Version', '')}".strip()
        described[name] = f"{name} ({tool})" if tool else name
    return described


def maker_of(folder: Path) -> dict[str, Any]:
    """What the description of a dataset says of the tool that made it; empty if nothing."""
    try:
        makers = read_json(folder / "dataset_description.json").get("GeneratedBy") or [{}]
    except MotorBidsAppError:
        return {}
    return makers[0] if isinstance(makers, list) and isinstance(makers[0], dict) else {}
