"""What the thread that writes needs of a database besides statements: `sqlite` and `postgres` provide it."""

from __future__ import annotations

from typing import Protocol

from clawlane.store.sql import Database


class Engine(Protocol):
    """The one writing connection of this process. All of it is used by one thread."""

    @property
    def db(self) -> Database:
        """What transitions are given."""

    @property
    def errors(self) -> type[Exception]:
        """What its library raises."""

    @property
    def spoiled(self) -> bool:
        """Whether the open transaction takes no further statement after an error."""

    def begin(self, *, lazy: bool) -> None:
        """Begin a transaction. The commit of a `lazy` one need not wait for the disk."""

    def commit(self) -> None:
        """End it. When this returns, it is committed; when it raises one of `errors`, it is not."""

    def roll_back(self) -> None:
        """Undo it, if one is open. Never raises one of `errors`."""

    def reason(self, error: Exception) -> str:
        """What was wrong, in one line that shows nothing of what was to be stored."""

    def unstored(self, error: Exception) -> str:
        """Why nothing can be stored, and what helps: one sentence."""

    def scrub(self, patience_s: float, /) -> bool:
        """Remove what was deleted from logs of the database. False where somebody still reads it: later."""

    def rewrite(self) -> None:
        """Write everything anew, so that nothing that was deleted is left between what is there.

        Raises one of `errors`.
        """

    def end(self) -> None:
        """Wait for nobody any more: the store is to be closed. From any thread."""

    def close(self) -> None:
        """Close the connection."""
