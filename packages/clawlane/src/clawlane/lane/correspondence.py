"""Whether a conversation may go on without a message to answer."""

from __future__ import annotations

from clawlane.lane.access_checker import AccessChecker
from clawlane.messages import Thread
from clawlane.store import conversations, directory
from clawlane.store.account_store import AccountStore


async def may_go_on(account_store: AccountStore, access: AccessChecker, thread: Thread) -> bool:
    """Whether the account may write to a thread now: to begin there, or because it still listens there.

    The latter means that whoever was admitted there last would be again.
    """
    known = await account_store.run(directory.acquaintance, thread)
    if access.rules().may_write_to(thread, access.grants(), known):
        return True
    last = None if known.rejected else await account_store.run(conversations.last_admitted, thread)
    return last is not None and await access.recheck(last) is None
