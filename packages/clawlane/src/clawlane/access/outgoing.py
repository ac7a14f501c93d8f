"""To whom an account may write on its own: people and groups that its owner let in, never a stranger."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import closed_by
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.messages import Thread, ThreadKind


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What is known of a thread: a friend's, a group that the account is in, somebody who was turned away."""

    friend: bool = False
    member: bool = False
    rejected: bool = False


def may_write_to(thread: Thread, policy: AccessPolicy, grants: Grants, known: Acquaintance) -> bool:
    """Whether the account may begin to write to a thread.

    A person has to be a friend, paired, or on `allowFrom` by id or name; a group has to be on `groups`, or
    one that the account is in where any group is let in. What the account does not listen to is out.
    """
    if thread.kind is ThreadKind.DM:
        own = thread.id == grants.own_id or thread.id in grants.other_own_ids
        if policy.dm is DmPolicy.DISABLED or known.rejected or own:
            return False
        listed = replace(policy.allow, anyone=False).includes(thread.id, grants.pins)
        return listed or thread.id in grants.paired or known.friend
    entry = policy.group_table.find(thread.id, grants.pins)
    if policy.groups is GroupPolicy.DISABLED or closed_by(entry, policy, grants) is not None:
        return False
    return known.member or (entry is not None and entry is not policy.group_table.any)
