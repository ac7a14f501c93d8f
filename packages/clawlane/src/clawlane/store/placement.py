"""Which accounts a node should take now: its own, and of those that anybody may have, its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

import msgspec

from clawlane.store.claims import Claimant, Right, Standing, right_of
from clawlane.store.nodes import Entered

Labels = Mapping[str, str]

GATHER_MS = 2_000
"""How long a node that has just entered lets others enter, before it takes what nobody ever owned."""

LEFTOVER_MS = 10_000
"""After this time an account is taken even by a node that has its share: the others seem to have no room."""


class Placement(msgspec.Struct, frozen=True):
    """The accounts to claim, and those to ask a draining node for."""

    claims: list[str]
    asks: list[str]


def placed(
    me: Claimant,
    accounts: Mapping[str, Labels],
    running: Collection[str],
    standings: Iterable[Standing],
    known: Mapping[str, Entered],
    now_ms: int,
) -> Placement:
    """What a node should take. `accounts` are those of its config with the labels of the nodes they run on.

    `running` are those it runs; `standings` may leave out accounts that are settled.
    """
    found, mine, standings = Placement([], []), known.get(me.name), list(standings)
    if not standings or mine is None or mine.instance != me.instance or not mine.alive:
        return found
    shares = _Shares(accounts, running, known)
    for one in sorted(standings, key=lambda one: not shares.fall_to(mine, one.account)):
        labels = accounts.get(one.account)
        if labels is None or one.account in running or not fits(labels, mine):
            continue
        right, since_ms = right_of(me, one, known, now_ms)
        if right is Right.OWN:
            found.claims.append(one.account)
            shares.take(one.account)
        elif right is Right.NONE or (not one.node and now_ms < mine.entered_ms + GATHER_MS):
            continue
        elif shares.has_room(one.account, mine, is_left=now_ms > since_ms + LEFTOVER_MS):
            (found.asks if right is Right.ASK else found.claims).append(one.account)
            shares.take(one.account)
    return found


def fits(labels: Labels, node: Entered) -> bool:
    """Whether a node has all labels that an account wants."""
    return labels.items() <= node.labels.items()


class _Shares:
    """How many accounts a node has of each group that the same nodes may run, and how many it should have."""

    def __init__(
        self, accounts: Mapping[str, Labels], running: Collection[str], known: Mapping[str, Entered]
    ) -> None:
        there = [one for one in known.values() if one.takes and one.draining_ms is None]
        by_labels: dict[frozenset[tuple[str, str]], frozenset[str]] = {}
        self._group: dict[str, frozenset[str]] = {}
        for account, labels in accounts.items():
            key = frozenset(labels.items())
            if key not in by_labels:
                by_labels[key] = frozenset(one.name for one in there if fits(labels, one))
            self._group[account] = by_labels[key]
        self._sizes = Counter(self._group.values())
        self._taken = Counter(self._group[one] for one in running if one in self._group)
        self._count = len(running)

    def fall_to(self, mine: Entered, account: str) -> bool:
        """Whether this node should be the first to try an account, of those that may run it.

        All nodes find the same, so that they do not all try the same accounts and wait for each other.
        """
        names = self._group.get(account, ())
        return mine.name == max(names, key=lambda name: _lot(account, name), default="")

    def has_room(self, account: str, mine: Entered, *, is_left: bool) -> bool:
        group = self._group[account]
        if mine.name not in group or (mine.max_accounts is not None and self._count >= mine.max_accounts):
            return False
        return is_left or self._taken[group] < -(-self._sizes[group] // len(group))

    def take(self, account: str) -> None:
        self._count += 1
        self._taken[self._group[account]] += 1


def _lot(account: str, node: str) -> bytes:
    return blake2b(f"{account} {node}".encode(), digest_size=8).digest()
