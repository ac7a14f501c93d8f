"""What the owner has to hear, as it is noted: once until it is on its way, bounded, and without words."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.store import alerts, inbox, pairing
from clawlane.store.account_store import AccountStore
from clawlane.store.alerts import Alert, AlertKind
from clawlane.store.errors import PairingUnknown
from clawlane.store.models import NewMessage
from clawlane.store.transaction import Tx

ASK = Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("channels.zalouser.dmPolicy", "channel"))


async def waiting(account_store: AccountStore) -> list[Alert]:
    return await account_store.run(lambda tx: alerts.waiting(tx.db, tx.account))


async def ask(account_store: AccountStore, sender: str, number: int) -> None:
    inbound = Inbound("default", f"m{number}", Thread(ThreadKind.DM, sender), sender, "Lan", "chào", NOW)
    await account_store.run(inbox.admit_all, [NewMessage(inbound, ASK, PairingReply.CODE, NOW)])


async def test_the_same_thing_is_one_alert_with_the_facts_of_the_last_time(
    account_store: AccountStore, clock: Clock
) -> None:
    await account_store.run(alerts.note, AlertKind.ALARM, "kicked", evidence=1)
    clock.ms += 5000
    await account_store.run(alerts.note, AlertKind.ALARM, "kicked", evidence=2)
    await account_store.run(alerts.note, AlertKind.ALARM_OVER, "kicked")
    first, second = await waiting(account_store)
    assert first == Alert(LANE, AlertKind.ALARM, "kicked", NOW, NOW + 5000, 2, {"evidence": 2})
    assert second.kind is AlertKind.ALARM_OVER


async def test_what_is_on_its_way_may_be_noted_anew(account_store: AccountStore) -> None:
    await account_store.run(alerts.note, AlertKind.BUDGET_SPENT, "main")
    await account_store.run(alerts.forget, await waiting(account_store))
    assert await waiting(account_store) == []
    await account_store.run(alerts.note, AlertKind.BUDGET_SPENT, "main")
    assert len(await waiting(account_store)) == 1


async def test_alarms_outlast_a_flood_of_others(account_store: AccountStore) -> None:
    def flood(tx: Tx) -> None:
        alerts.note(tx, AlertKind.ALARM, "first of all")
        for number in range(alerts.MOST + 5):
            alerts.note(tx, AlertKind.DECISION_NEEDED, str(number))

    await account_store.run(flood)
    found = await waiting(account_store)
    assert len(found) == alerts.MOST
    assert AlertKind.ALARM in {one.kind for one in found}


async def test_one_request_is_one_alert_with_its_code_and_no_name(account_store: AccountStore) -> None:
    await ask(account_store, "11", 1)
    await ask(account_store, "11", 2)
    [alert] = await waiting(account_store)
    assert (alert.kind, alert.key, alert.times) == (AlertKind.PAIRING_REQUEST, "11", 1)
    assert set(alert.facts) == {"reason", "friend", "code"}
    assert "Lan" not in str(alert)


@pytest.mark.parametrize("approved", [True, False])
async def test_a_request_that_was_decided_needs_no_alert(account_store: AccountStore, approved: bool) -> None:
    await ask(account_store, "11", 1)
    [alert] = await waiting(account_store)
    if approved:
        await account_store.run(pairing.approve, str(alert.facts["code"]))
    else:
        await account_store.run(pairing.reject, "11")
    assert await waiting(account_store) == []


async def test_an_alert_is_undone_with_what_it_is_about(account_store: AccountStore) -> None:
    def fails(tx: Tx) -> None:
        alerts.note(tx, AlertKind.ALARM, "never")
        raise PairingUnknown("no")

    with pytest.raises(PairingUnknown):
        await account_store.run(fails)
    assert await waiting(account_store) == []


async def test_alerts_survive_the_process(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_, account_store):
        await account_store.run(alerts.note, AlertKind.ALARM, "kicked", count=2)
    async with opened_store(tmp_path) as (_, account_store):
        [alert] = await waiting(account_store)
    assert alert.facts == {"count": 2}
