"""What can go wrong in the store.

    StoreError
    ├── StoreUnusable   the file is damaged, foreign, or written by a newer clawlane
    │   └── NodeTaken   another gateway works under the name of this node
    ├── StoreOwned      another process owns the store; `pid` says which
    ├── StoreLost       another owner took the account over: this one must stop
    ├── NotOwned        the account is another node's: this one may not run it
    ├── MoveRefused     the account or the node does not exist, or cannot have it
    ├── RequestRefused  another node cannot be asked: too much at once, or too many
    ├── StoreFailed     one write did not happen (disk full, I/O error); the same write may succeed later
    ├── NotInOutbox     no message of the outbox has this number, or it is past deciding
    ├── NotQuotable     the message that a text was to quote is not known, or not kept
    ├── NoDelivery      nothing with this id waits to be delivered
    ├── NoDeadLetter    no message with this id was set aside
    ├── NoDraft         no draft has this number, or it is past deciding
    ├── PauseRefused    there is no such account or thread to pause or resume
    ├── CursorUnknown   a position in the event feed is not one of this store
    └── PairingUnknown  no pending request has this code

Sessions and the state directory have their own errors: `clawlane.channel.VaultError` and
`clawlane.credentials.files.CredentialsError`. Every text is one line for the
operator.
"""

from __future__ import annotations


class StoreError(Exception):
    """Something about the store; the text is one line for the operator."""


class StoreUnusable(StoreError):
    """The file cannot be used at all. Trying again is useless."""


class StoreOwned(StoreError):
    """Another process owns the store. `pid` is 0 where it did not say."""

    def __init__(self, text: str, pid: int) -> None:
        super().__init__(text)
        self.pid = pid


class StoreLost(StoreError):
    """The account has a newer owner. What this one knows is stale."""


class NodeTaken(StoreUnusable):
    """Another gateway works under the name of this node, or has since it was asked last."""


class NotOwned(StoreError):
    """The account belongs to another node, or somebody is claiming it at this moment."""


class MoveRefused(StoreError):
    """Nothing was moved or drained; the text says what is wrong with what was named."""


class RequestRefused(StoreError):
    """Another node cannot be asked for that."""


class StoreFailed(StoreError):
    """A write did not happen, and left no trace. It may be tried again."""


class PairingUnknown(StoreError):
    """There is no pending request to approve; the text says whether the code was used before."""


class CursorUnknown(StoreError):
    """The event feed cannot go on from there: the cursor is of another store, or is none."""


class NotInOutbox(StoreError):
    """There is no such message in the outbox, or nothing can be decided about it; the text says which."""


class TakenBack(NotInOutbox):
    """A message cannot be taken back since it already was."""


class NotQuotable(StoreError):
    """A text cannot quote this message; the text says why."""


class NoDelivery(StoreError):
    """Nothing with this id waits for a webhook or another target."""


class NoDeadLetter(StoreError):
    """No message with this id was set aside."""


class NoDraft(StoreError):
    """There is no such draft, or nothing can be decided about it; the text says which."""


class PauseRefused(StoreError):
    """Nothing was paused or resumed; the text says what is wrong with what was named."""
