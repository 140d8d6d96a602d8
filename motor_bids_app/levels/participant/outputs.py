"""Where the outputs of one participant and session go, and what their sidecars say."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib

from motor_bids_app.bids.files import load_image, read_json, replacing, save_image, write_json
from motor_bids_app.bids.paths import DerivativePath, place_in
from motor_bids_app.bids.scan import ANATOMY
from motor_bids_app.errors import ReadWriteError
from motor_bids_app.levels.participant.facts import Facts as Facts
from motor_bids_app.opening import read_bytes
from motor_bids_app.reports.pages import Figure
from motor_bids_app.reports.participant.method_steps import STEPS as STEPS_IN_WORDS
from motor_bids_app.reports.participant.methods import PIECES
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import RESOLUTION as RESOLUTION
from motor_bids_app.spaces.transforms import Transform, transform_of_field

MOST_PICTURE = 32 * 2**20  # bytes
STEPS = ("anat", "dwi", "bold", "eeg", "emg", "features")  # in their order
_RESOLUTION_TEXT = {"2": "2 mm isotropic, 91x109x91", "3": "3 mm isotropic, 61x73x61"}


def read_facts(path: Path) -> Facts:
    """Read what `Outputs.save_facts` wrote.

    Raises
    ------
    ReadWriteError
        It says what no step of this version says.
    """
    try:
        facts = Facts(**read_json(path))
        texts = [*facts.notes, *facts.warnings, *facts.taken.values()]
        known = set(facts.methods) <= set(STEPS_IN_WORDS) and set(facts.taken) <= set(PIECES)
        numbers = all(isinstance(value, int | float) for value in facts.quality.values())
        if not (known and numbers and all(isinstance(text, str) for text in texts)):
            raise TypeError("it holds what no step writes")
    except (TypeError, AttributeError) as error:
        raise ReadWriteError(
            f"{path} is not of this version, or was changed: {error}. Run again with --overwrite."
        ) from error
    return facts


@dataclass(frozen=True)
class Outputs:
    """Names and saves the derivatives of one participant and session.

    Parameters
    ----------
    root : Path
        Output dataset.
    participant, session : str, str or None
        Labels without 'sub-' and 'ses-'.
    space : str
        Name of the standard space.
    """

    root: Path
    participant: str
    session: str | None
    space: str = STANDARD_SPACE
    datasets: Mapping[str, Path] = field(default_factory=dict)  # inputs, by name
    written: list[Path] = field(default_factory=list)  # before it is begun: half is written too

    @property
    def prefix(self) -> str:
        """'sub-01' or 'sub-01_ses-1'."""
        session = f"_ses-{self.session}" if self.session else ""
        return f"sub-{self.participant}{session}"

    def path(self, suffix: str, datatype: str | None = None, **entities: Any) -> Path:
        """Full path of one file; `standard=True` puts it in the standard space."""
        if entities.pop("standard", False):
            entities |= {"space": self.space, "res": str(RESOLUTION)}
        name = DerivativePath(
            sub=self.participant, ses=self.session, datatype=datatype, suffix=suffix, **entities
        )
        return self.root / str(name)

    def save(
        self, image: nib.Nifti1Image, path: Path, sources: Sequence[Path], **sidecar: Any
    ) -> None:
        """Save an image with its sidecar, which names the files it was made from."""
        metadata = {"Sources": [self.uri(source) for source in sources], **sidecar}
        _, found, rest = path.name.partition("_res-")
        if found:
            metadata["Resolution"] = _RESOLUTION_TEXT[rest[0]]
        self.written.extend([path, path.parent / (path.name.split(".")[0] + ".json")])
        save_image(image, path, metadata)

    def load(self, suffix: str, datatype: str | None = None, **entities: Any) -> nib.Nifti1Image:
        """Load a derivative of this participant and session."""
        return load_image(self.path(suffix, datatype, **entities))

    def save_facts(self, step: str, facts: Facts) -> None:
        """Save what later steps and the report need to know of a step."""
        path = self._facts(step)
        self.written.append(path)
        write_json(path, asdict(facts))

    def load_facts(self, steps: Sequence[str] = STEPS) -> Facts:
        """Load what steps saved, as one; by default that of all."""
        paths = [path for path in map(self._facts, steps) if path.is_file()]
        parts = [read_facts(path) for path in paths]
        return Facts(
            methods=[name for part in parts for name in part.methods],
            quality={name: value for part in parts for name, value in part.quality.items()},
            notes=[note for part in parts for note in part.notes],
            warnings=[sentence for part in parts for sentence in part.warnings],
            taken={piece: name for part in parts for piece, name in part.taken.items()},
        )

    def _facts(self, step: str) -> Path:
        return self.root / "logs" / "facts" / f"{self.prefix}_{step}.json"

    @property
    def features_table(self) -> Path:
        """The table of features: one row for this participant and session."""
        return self.figures.parent / f"{self.prefix}_desc-features.tsv"

    @property
    def overlap_table(self) -> Path:
        """The table of the lesion's overlap with the regions of the atlas."""
        return self.figures.parent / f"{self.prefix}_desc-lesionoverlap.tsv"

    def save_figure(self, figure: Figure) -> None:
        """Save a picture for the report, and beside it the words that belong to it."""
        path = self.figures / f"{self.prefix}_{figure.file_name}"
        self.written.extend([path, path.with_suffix(".json")])
        pictures = {path: figure.data}
        if figure.second:
            pictures[_second(path)] = figure.second
            self.written.append(_second(path))
        for place, data in pictures.items():
            with replacing(place) as temporary:
                temporary.write_bytes(data)
        words = asdict(figure)
        del words["data"], words["second"], words["marks"]
        write_json(path.with_suffix(".json"), words)

    def load_figure(self, name: str) -> Figure | None:
        """Load a picture that an earlier step saved; None where it did not apply."""
        path = self.figures / f"{self.prefix}_{name}.json"
        if not path.is_file():
            return None
        words = read_json(path)
        extension = ".png" if words.get("media_type") == "image/png" else ".svg"
        picture = path.with_suffix(extension)
        try:
            states = tuple(words.pop("states", ()))
            second = self._picture(_second(picture)) if states else b""
            data = self._picture(picture)
            return Figure(**words, data=data, second=second, states=states)
        except (TypeError, ValueError) as error:
            raise ReadWriteError(
                f"{path} does not describe a picture: {error}. Run again with --overwrite."
            ) from error

    def _picture(self, path: Path) -> bytes:
        inside = path.relative_to(self.root).as_posix()
        return read_bytes(place_in(self.root, inside), MOST_PICTURE)

    @property
    def figures(self) -> Path:
        """Folder of the pictures."""
        return self.path("figure", "figures").parent

    @property
    def head(self) -> Path | None:
        """The preprocessed head image on its own grid, where one was saved."""
        paths = (self.path(contrast, "anat", desc="preproc") for contrast in ANATOMY)
        return next((path for path in paths if path.is_file()), None)

    def tissue(self, name: str, *, standard: bool = False) -> Path:
        """Path of a tissue map of the head; the name says so where it is not of a T1w.

        Features and models read those of T1w alone: those of others are not alike.
        """
        other = {} if self._contrast == "T1w" else {"desc": self._contrast}
        return self.path("probseg", "anat", label=name, standard=standard, **other)

    def load_transform(self) -> Transform:
        """Load the transform from the standard space to the head image."""
        return self._transform(self._contrast, self.space)

    def load_inverse(self) -> Transform:
        """Load the transform from the head image to the standard space."""
        return self._transform(self.space, self._contrast)

    @property
    def _contrast(self) -> str:
        assert self.head is not None
        return self.head.name.split("_")[-1].removesuffix(".nii.gz")

    def _transform(self, *ends: str) -> Transform:
        return transform_of_field(self.load("xfm", "anat", transform=ends))

    def uri(self, path: Path) -> str:
        """BIDS URI of a file of this dataset or of one it was made from."""
        for name, folder in {"": self.root, **self.datasets}.items():
            if path.is_relative_to(folder):
                return f"bids:{name}:{path.relative_to(folder).as_posix()}"
        return path.as_uri()


def _second(picture: Path) -> Path:
    """Where the second picture of a figure is saved."""
    return picture.with_name(f"{picture.stem}-second{picture.suffix}")
