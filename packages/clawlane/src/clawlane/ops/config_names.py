"""Names in the config: what each stands for, what else an entry could have meant, and the ids to write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clawlane.access.names import ConfigName, NameList, PinState
from clawlane.access.policy import AccessPolicy
from clawlane.channel import Account
from clawlane.config.senders import bare_id, is_numeric_id
from clawlane.ops.access_findings import groups_among_senders, is_phone, of_entry, people_among_groups
from clawlane.ops.findings import Finding, Severity
from clawlane.store.directory import Known, LookedUp
from clawlane.store.errors import StoreUnusable
from clawlane.store.place import StorePlace
from clawlane.texts import later

if TYPE_CHECKING:
    from clawlane.config.edit import Edit
    from clawlane.config.load import Config
    from clawlane.config.senders import ConfigEntry

_ID_DIGITS = 10
_NOBODY = {
    True: ("groups", later("no group of the account")),
    False: ("peers", later("nobody the account knows")),
}
_ORNAMENT = re.compile(r"[\s.,'’_:@#()+-]|\b(?:id|uid|user|zalo|tel|phone)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Names:
    """The entries of one account, with what the store knows about them."""

    config: Config
    account: Account
    looked_up: Mapping[ConfigName, LookedUp]
    known: Known

    def findings(self) -> Iterator[Finding]:
        """The entries that are wrong, and those that are names."""
        people, groups = {one.id for one in self.known.peers}, {one.id for one in self.known.groups}
        names = set(AccessPolicy.of(self.config, self.account).names_to_pin())
        for where in NameList:
            for one in self._written(where):
                name = ConfigName(where, one.text, one.group)
                if name in names and (found := self._of_name(name, one)):
                    yield found
        yield from people_among_groups(self.config, self.account, frozenset(people - groups))
        yield from groups_among_senders(self.config, self.account, frozenset(groups - people))

    def replacements(self) -> list[Edit]:
        """The id to write instead of every entry that is a name; empty where there is none.

        A name whose id is a key of `groups` already has none: two keys cannot be one.
        """
        from clawlane.config.edit import Edit

        made = []
        names = set(AccessPolicy.of(self.config, self.account).names_to_pin())
        for where in NameList:
            entries_of = self._written(where)
            taken = {bare_id(one.text) for one in entries_of if where is NameList.GROUPS}
            for one in entries_of:
                if (name := ConfigName(where, one.text, one.group)) in names:
                    found = self.looked_up.get(name)
                    id = found.pin.id if found is not None and found.pin.id not in taken else ""
                    taken |= {id} if one.at_key else set()
                    made.append(Edit(one.path, id, one.at_key))
        return made

    def _written(self, where: NameList) -> list[ConfigEntry]:
        from clawlane.config.senders import entries

        manifest = self.config.channels[self.account.channel].manifest
        return entries(self.config.source, self.account, manifest, where)

    def _of_name(self, name: ConfigName, one: ConfigEntry) -> Finding | None:
        """None for a telephone number: the loader reports those."""
        found = self.looked_up.get(name)
        pinned = found is not None and found.pin.state is PinState.PINNED
        if not pinned and is_phone(self.account, one.text):
            return None
        if not pinned and (digits := _could_be_id(one.text, type(self.account.settings).shortest_id)):
            severity = Severity.WARNING if found is None else Severity.ERROR
            return self._finding(severity, "name_like_id", one, digits=digits)
        if found is None:
            return self._finding(Severity.WARNING, "name_waiting", one)
        if pinned:
            return self._finding(Severity.NOTE, "name_pinned", one, id=found.pin.id)
        if found.pin.state is PinState.AMBIGUOUS:
            which = ", ".join(f"'{id}' ({name})" for id, name in zip(found.pin.ids, found.names, strict=True))
            return self._finding(Severity.ERROR, "name_ambiguous", one, candidates=which)
        kind, nobody = _NOBODY[found.pin.name.where is NameList.GROUPS]
        where = {"channel": self.account.channel, "account": self.account.id}
        return self._finding(Severity.ERROR, "name_unresolved", one, kind=kind, nobody=nobody, **where)

    def _finding(self, severity: Severity, code: str, one: ConfigEntry, **data: str) -> Finding:
        return of_entry(self.config, self.account, one, severity, code, entry=one.text, **data)


def agreed(accounts: Iterable[Names]) -> list[Edit]:
    """The names that stand for the same id on every account that uses them, with that id."""
    wanted: dict[Edit, str] = {}
    for names in accounts:
        for one in names.replacements():
            spot = replace(one, text="")
            wanted[spot] = one.text if wanted.get(spot, one.text) == one.text else ""
    return [replace(spot, text=id) for spot, id in wanted.items() if id]


def names_of(config: Config, account: Account, place: StorePlace) -> Names:
    """The names of one account with what the store knows about them now."""
    try:
        with place.reading() as reader:
            looked_up = {one.pin.name: one for one in reader.looked_up(str(account))}
            return Names(config, account, looked_up, reader.known(str(account)))
    except StoreUnusable:  # a finding of its own
        return Names(config, account, {}, Known())


def _could_be_id(entry: str, shortest: int) -> str:
    """The digits in something like `8200 0000 0000 0000 001` or `id:8200…`, where nothing else is in it."""
    bare = _ORNAMENT.sub("", entry)
    return bare if is_numeric_id(bare) and len(bare) >= max(shortest, _ID_DIGITS) else ""
