"""Models that come with the package: found by name, and checked against the digest they had."""

from pathlib import Path

from motor_bids_app.bids.files import read_json
from motor_bids_app.errors import IncompatibleModelError

BOX = Path(__file__).parents[1] / "models" / "box"
DIGESTS = "digests.json"


def boxed_names(box: Path = BOX) -> list[str]:
    """Names of the models in the box."""
    return sorted(read_json(box / DIGESTS)) if (box / DIGESTS).is_file() else []


def find_model(given: Path, box: Path = BOX) -> Path:
    """Return the folder of a model, given by its folder or by its name in the box.

    A folder of that name, where the app was started, comes first.
    """
    named = len(given.parts) == 1 and given.name in boxed_names(box)
    return box / given.name if named and not given.exists() else given


def check_boxed(folder: Path, digest: str) -> None:
    """Raise IncompatibleModelError if a model in the box is not what was put there."""
    box = folder.parent
    if folder.name not in boxed_names(box):
        return
    wanted = read_json(box / DIGESTS)[folder.name]
    if digest != wanted:
        raise IncompatibleModelError(
            f"The model {folder.name} in {box} has the hash {digest}, and was shipped with "
            f"{wanted}: it was changed. Install the app again."
        )


def in_the_box() -> str:
    """The models in the box, in a sentence; empty where there are none."""
    names = boxed_names()
    return f" Or name a model that comes with the app: {', '.join(names)}." if names else ""
