"""A participant in a session, and the names that come of it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Person:
    """A participant in a session; labels are without 'sub-' and 'ses-'."""

    participant: str
    session: str | None = None

    @property
    def participant_id(self) -> str:
        """The participant as in tables: 'sub-01'."""
        return f"sub-{self.participant}"

    @property
    def session_id(self) -> str | None:
        """The session as in tables: 'ses-1'."""
        return f"ses-{self.session}" if self.session else None

    @property
    def prefix(self) -> str:
        """Start of all file names: 'sub-01_ses-1'."""
        return "_".join(filter(None, (self.participant_id, self.session_id)))
