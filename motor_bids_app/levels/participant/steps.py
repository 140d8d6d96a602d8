"""Steps that are done once: skipped when inputs, settings and version are those of the record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motor_bids_app import __version__
from motor_bids_app.bids.files import hash_file, read_json, write_json
from motor_bids_app.bids.paths import place_in
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.levels.intact import fingerprint, is_intact, record_of
from motor_bids_app.settings import ProcessingSettings


@dataclass(frozen=True)
class Step:
    """One step of one participant and session, with its record in the output's logs.

    Parameters
    ----------
    name : str
        For example 'anat'; with `prefix` it names the record.
    prefix : str
        Participant and session, 'sub-01_ses-1'.
    output_dir : Path
        Output dataset.
    """

    name: str
    prefix: str
    output_dir: Path

    @property
    def record(self) -> Path:
        """File that says what the outputs were made from."""
        return record_of(self.output_dir, self.prefix, self.name)

    def run(
        self,
        inputs: Mapping[str, Path],
        settings: ProcessingSettings,
        work: Callable[[], list[Path]],
        *,
        said: Sequence[str] = (),
        repeat: bool = False,
    ) -> bool:
        """Call `work`, which returns what it wrote, unless that is there; True if it ran.

        `said` is text that goes into the outputs and is in no input.

        What an earlier run wrote and this one did not is deleted: later steps go by the files
        that are there. A step that fails leaves none of them, and no record.
        """
        key: dict[str, Any] = {
            "inputs": {name: hash_file(path) for name, path in sorted(inputs.items())},
            "settings": settings.digest,
            "said": list(said),
            "version": __version__,
        }
        if not repeat and self._done(key):
            return False
        earlier = self._outputs()
        if earlier:  # no key: it is no longer valid, but should this be killed, it says what is old
            write_json(self.record, {"outputs": sorted(earlier)})
        try:
            outputs = work()
        except BaseException:
            self.discard()
            raise
        names = {str(path.relative_to(self.output_dir)) for path in outputs}
        self._delete(earlier - names)
        written = {name: fingerprint(self.output_dir / name) for name in sorted(names)}
        write_json(self.record, {**key, "outputs": sorted(names), "written": written})
        return True

    @property
    def was_killed(self) -> bool:
        """Whether it was being repeated when the run was killed: its files are old and new."""
        try:
            return "inputs" not in read_json(self.record)
        except MotorBidsAppError:
            return False

    @property
    def is_intact(self) -> bool:
        """Whether its outputs are there as it left them."""
        try:
            record = read_json(self.record)
            return all(
                self._is_own(name)
                and is_intact(self.output_dir / name, record["written"][name], self.record)
                for name in record["outputs"]
            )
        except (MotorBidsAppError, KeyError, TypeError):
            return False

    def is_outdated(self, earlier: "Step") -> bool:
        """Whether it was done with other results of an earlier step than there are now."""
        try:
            known = read_json(self.record)["inputs"].get(earlier.name)
        except (MotorBidsAppError, KeyError, AttributeError):
            return False
        if known is None:
            return False
        return not earlier.record.is_file() or known != hash_file(earlier.record)

    def discard(self) -> None:
        """Delete what the step wrote, as its record has it, and the record."""
        self._delete(self._outputs())
        self.record.unlink(missing_ok=True)

    def _outputs(self) -> set[str]:
        """Names in the record that can be its own; none where there is no readable one."""
        try:
            names = read_json(self.record)["outputs"]
        except (MotorBidsAppError, KeyError):
            return set()
        if not isinstance(names, list):
            return set()
        return {name for name in names if self._is_own(name)}

    def _is_own(self, name: Any) -> bool:
        """Whether a name in a record is of a file of this scan: records may come from elsewhere."""
        try:
            place = place_in(self.output_dir, name)
        except MotorBidsAppError:
            return False
        return place.name.startswith((f"{self.prefix}_", f"{self.prefix}."))

    def _delete(self, names: set[str]) -> None:
        """Delete outputs, but those that another step of this scan has written since."""
        others = (
            Step(path.stem.removeprefix(f"{self.prefix}_"), self.prefix, self.output_dir)
            for path in self.record.parent.glob(f"{self.prefix}_*.json")
            if path != self.record
        )
        for name in names.difference(*(step._outputs() for step in others)):
            if not (place := self.output_dir / name).is_dir():
                place.unlink(missing_ok=True)

    def _done(self, key: Mapping[str, Any]) -> bool:
        try:
            record = read_json(self.record)
        except MotorBidsAppError:
            return False
        return all(record.get(name) == value for name, value in key.items()) and self.is_intact
