"""What the record of an account tells: the kinds of its entries, and what a check of it found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an entry is about."""

    SEND = "send"
    APPROVAL = "approval"
    POLICY = "policy"
    LOGIN = "login"
    PAUSE = "pause"
    CHANGE = "change"
    STATE = "state"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the record of an account, and with which entry it begins.

    The code is one of: `changed`, `missing`, `order`, `link` (the next entry follows another one), `tail`
    (the head names later entries), `head` (it names another entry of that number), `head_missing`,
    `head_damaged`, `rewritten` and `gap` (as the gateway noted them at the time), `anchor` (other entries
    were pruned), `triggers` (what refuses changes is gone), `expected` (what was noted elsewhere is not
    there), `unreadable`. `last` is the last of the missing entries, or 0.
    """

    account: str
    code: str
    number: int
    last: int = 0
    at_ms: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the record says about itself, and that is no fault: pruned, restored, rolled back."""

    number: int
    at_ms: int
    what: str
    known: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """The record of one account: its first and last entry, and what is wrong, the first entry first."""

    account: str
    first: int
    head: str
    entries: int
    faults: tuple[Fault, ...]
    notes: tuple[Note, ...]
