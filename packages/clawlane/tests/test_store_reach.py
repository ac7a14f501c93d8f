"""What the store knows of an account that a change of its rules could concern."""

from __future__ import annotations

from pathlib import Path

from packages.clawlane.tests.opened_store import LANE, NOW, opened_store

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.names import ConfigName, NameList, Pin
from clawlane.config.choices import PairingReply
from clawlane.messages import Group, Inbound, Person, Thread, ThreadKind
from clawlane.store import directory, inbox, pairing
from clawlane.store.models import NewMessage

ASK = Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("channels.zalouser.dmPolicy"))
PENDED = Decision(Outcome.PEND, Reason.MENTION_REQUIRED, Rule("channels.zalouser.groups"))


def message(sender: str, decision: Decision, group: str = "", name: str = "") -> NewMessage:
    thread = Thread(ThreadKind.GROUP, group) if group else Thread(ThreadKind.DM, sender)
    inbound = Inbound("default", f"m{sender}{group}", thread, sender, name, "hi", NOW)
    return NewMessage(inbound, decision, PairingReply.CODE, NOW)


async def test_friends_groups_approvals_pins_and_recent_senders_are_known(tmp_path: Path) -> None:
    pin = Pin(ConfigName(NameList.GROUPS, "Work"), ("9001",), at_ms=NOW)
    async with opened_store(tmp_path) as (store, account_store):
        await account_store.run(directory.keep_peers, [Person("1", "Lan")])
        await account_store.run(directory.keep_groups, [Group("9001", "Work", 3)])
        await account_store.run(directory.keep_pins, [directory.LookedUp(pin, ("Work",))])
        arrivals = [message("2", ASK, name="Somebody"), message("3", ASK), message("4", PENDED, group="9001")]
        await account_store.run(inbox.admit_all, arrivals)
        with store.read() as reader:
            code = next(one.code for one in reader.requests(NOW) if one.sender_id == "3")
        await account_store.run(pairing.approve, code)
        with store.read() as reader:
            known = reader.reach(LANE)
    assert [one.id for one in known.friends] == ["1"]
    assert [(one.id, one.name) for one in known.groups] == [("9001", "Work")]
    assert [one.id for one in known.approved] == ["3"]
    assert {one.id: one.name for one in known.seen} == {"2": "Somebody", "3": ""}
    assert known.pins.has_group("Work")
