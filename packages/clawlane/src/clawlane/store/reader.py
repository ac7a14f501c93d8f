"""Questions to the store, over a connection that cannot write and is open only while they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from clawlane.access.names import Pins
from clawlane.messages import Thread, ThreadKind
from clawlane.store import (
    abilities,
    alarms,
    alerts,
    audit_check,
    audit_log,
    callbacks,
    catch_up,
    claims,
    conversations,
    decisions,
    deliveries,
    directory,
    draft_listing,
    events,
    forgetting,
    in_force,
    node_requests,
    node_steps,
    nodes,
    notices,
    operator_sends,
    outbox,
    outbox_listing,
    owner_takeovers,
    owner_texts,
    pairing,
    pauses,
    pending_history,
    profile_records,
    queues,
    quotes,
    reach,
    retention,
    send_evidence,
    send_log,
    sessions,
    spending,
    stored_messages,
    turns,
    verifications,
    warm_ups,
    webhooks,
    why_search,
)
from clawlane.store.held import plain
from clawlane.store.models import Activity
from clawlane.store.rows import exists
from clawlane.store.sql import Database
from clawlane.store.sqlite import marker
from clawlane.store.sqlite.connection import connect_nothing, readable

P = ParamSpec("P")
T = TypeVar("T")


def _ask(query: Callable[Concatenate[Database, P], T]) -> Callable[Concatenate[Reader, P], T]:
    """A question that the file of its subject answers."""

    @wraps(query)
    def ask(reader: Reader, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return query(reader._connection, *args, **kwargs)

    return ask


class Reader:
    """Questions to the store as it is now."""

    requests = _ask(pairing.open_requests)
    rejected = _ask(pairing.rejected)
    approved = _ask(pairing.approved)
    used_code = _ask(pairing.used_code)
    pairing_state = _ask(pairing.requests)
    profile_record = _ask(profile_records.load)
    profile_record_changed_ms = _ask(profile_records.changed_ms)
    profiles_with = _ask(profile_records.names)
    decided = _ask(decisions.of_message)
    too_old_in_a_row = _ask(decisions.too_old_in_a_row)
    noted = _ask(notices.of_message)
    search = _ask(why_search.search)
    fits_rule = _ask(why_search.fits_rule)
    gaps = _ask(catch_up.gaps)
    returned = _ask(catch_up.returned)
    account_of_chunk = _ask(outbox.account_of)
    outbox = _ask(outbox_listing.listed)
    sent = _ask(outbox_listing.sent)
    to_take_back = _ask(outbox_listing.to_take_back)
    drafts = _ask(draft_listing.listed)
    draft = _ask(draft_listing.find)
    drafts_of_turn = _ask(draft_listing.numbers_of)
    account_of_draft = _ask(draft_listing.account_of)
    waiting_drafts = _ask(draft_listing.waiting)
    quotable = _ask(quotes.quotable)
    members = _ask(directory.members)
    sent_by_operator = _ask(operator_sends.statuses)
    held = _ask(send_log.held)
    dead_letters = _ask(turns.dead_letters)
    depths = _ask(queues.depths)
    expired = _ask(pauses.expired)
    pauses = _ask(pauses.pauses)
    taken_over = _ask(owner_takeovers.in_force)
    takeovers_off = _ask(owner_takeovers.switched_off)
    abilities_off = _ask(abilities.switched_off)
    abilities = _ask(abilities.standing)
    open_alarms = _ask(alarms.open_of)
    open_alarms_of_kind = _ask(alarms.open_of_kind)
    first_run = _ask(claims.first_run)
    alarms = _ask(alarms.listed)
    session = _ask(sessions.read)
    sessions = _ask(sessions.listed)
    known = _ask(directory.known)
    group_ids = _ask(directory.group_ids)
    names_of = _ask(directory.names_of)
    thread_name = _ask(directory.thread_name)
    looked_up = _ask(directory.of_account)
    in_history = _ask(pending_history.waits)
    sends_of_turn = _ask(send_evidence.of_turn)
    challenges_sent = _ask(send_evidence.challenges)
    sent_by_us = _ask(send_evidence.sent_by_us)
    kinds_sent = _ask(send_evidence.kinds_sent)
    conversation = _ask(conversations.read)
    has_conversation = _ask(conversations.exists_in)
    attachment = _ask(conversations.attachment)
    conversations = _ask(conversations.listed)
    verifications = _ask(verifications.kept)
    reach = _ask(reach.of_account)
    warm_up_begun_ms = _ask(warm_ups.begun_ms)
    reply_count = _ask(send_log.reply_count)
    left_since = _ask(send_log.left_since)
    day_spending = _ask(spending.of_day)
    restored_ms = _ask(in_force.restored_ms)
    upgrades = _ask(in_force.upgrades)
    held_by_upgrade = _ask(in_force.held)
    in_force = _ask(in_force.found)
    next_take = _ask(retention.next_take)
    to_forget = _ask(forgetting.held)
    accounts = _ask(forgetting.accounts_of)
    forgetting = _ask(forgetting.requests)
    recorded_accounts = _ask(audit_log.accounts)
    recorded = _ask(audit_log.newest)
    recorded_after = _ask(audit_log.page)
    record_end = _ask(audit_check.end_of_store)
    record_checked = _ask(audit_check.of_store)
    requester_name = _ask(alerts.requester_name)
    text_of_chunk = _ask(alerts.text_of_chunk)
    alerts = _ask(alerts.waiting)
    own_thread_silent_ms = _ask(owner_texts.silent_since)
    deliveries = _ask(deliveries.listed)
    webhooks = _ask(webhooks.standings)
    callback = _ask(callbacks.find)
    words_of = _ask(stored_messages.words_of)
    cursor_at = _ask(events.cursor_at)
    look_at_nodes = _ask(nodes.look)
    nodes = _ask(nodes.listed)
    owners = _ask(claims.standings)
    unsettled_owners = _ask(claims.unsettled)
    running_nodes = _ask(claims.running)
    requests_wait = _ask(node_requests.wait_for)
    request_progress = _ask(node_requests.progress)
    request_steps = _ask(node_steps.unread)

    def __init__(
        self, connection: Database, *, empty: bool = False, check: Callable[[], None] = lambda: None
    ) -> None:
        """`empty` says that no store was made yet; `check` is `check_marker`."""
        self._connection = connection
        self._empty = empty
        self.check_marker = check
        """Whether this is the store that was made here. Raises `StoreUnusable`."""

    def clock_ms(self) -> int:
        """The time by the clock of the database."""
        return self._connection.clock_ms()

    def pins(self, account: str) -> Pins:
        """What the names in the account's config stand for, as the access rules take it."""
        return Pins.of(one.pin for one in self.looked_up(account))

    def events(self, after: str, account: str | None, limit: int) -> events.Page:
        """What the event feed tells next; see `clawlane.store.events.page`. Raises `CursorUnknown`."""
        found = events.page(self._connection, after, account, limit)
        return replace(found, cursor="") if self._empty else found

    def rows(self, query: str, account: str, person: str, place: int, limit: int) -> list[dict[str, Any]]:
        """The rows of a query about a person, from a place on, as plain values."""
        values = {"account": account, "id": person, "limit": limit, "place": place}
        found = self._connection.execute(f"{query} LIMIT :limit OFFSET :place", values)
        return [plain({name: row[name] for name in row.keys()}) for row in found]  # noqa: SIM118

    def activity(self, account: str) -> Activity:
        """What one account did so far."""
        counters = self._connection.execute(
            "SELECT reason, n FROM counters WHERE account = ? ORDER BY reason", (account,)
        )
        chunks = self._connection.execute(
            "SELECT state, count(*) FROM outbox WHERE account = ? AND settled_ms IS NULL GROUP BY state",
            (account,),
        )
        times = self._connection.execute(
            "SELECT last_inbound_ms, last_outbound_ms FROM accounts WHERE account = ?", (account,)
        ).fetchone()
        inbound_ms, outbound_ms = times or (None, None)
        return Activity(dict(map(tuple, counters)), dict(map(tuple, chunks)), inbound_ms, outbound_ms)

    def message_count(self) -> int:
        """How many messages are known, over all accounts."""
        return self._count("messages")

    def undecided_sends(self, account: str) -> int:
        """How many messages wait for the operator to say whether they arrived."""
        where = "account = ? AND settled_ms IS NULL AND state = 'unknown' AND settling_ms IS NULL"
        return self._count(f"outbox WHERE {where}", account)

    def dead_letter_count(self, account: str) -> int:
        """How many messages of an account were set aside, and wait for the operator."""
        return self._count("turns WHERE account = ? AND state = 'dead'", account)

    def waiting_turns(self, account: str) -> int:
        """How many turns have not begun, or have a reply that has not left."""
        where = "account = ? AND settled_ms IS NULL AND state IN ('waiting', 'replied')"
        return self._count(f"turns WHERE {where}", account)

    def threads(self, account: str, id_: str) -> list[Thread]:
        """The threads with this id from which the account has read messages."""
        query = "SELECT 1 FROM messages WHERE account = ? AND thread_kind = ? AND thread_id = ? LIMIT 1"
        return [
            Thread(kind, id_) for kind in ThreadKind if exists(self._connection, query, account, kind, id_)
        ]

    def _count(self, rows: str, *values: str) -> int:
        return int(self._connection.execute(f"SELECT count(*) FROM {rows}", values).fetchone()[0])  # noqa: S608


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """A reader for the time of a few questions. Raises `StoreUnusable`; the file must exist."""
    with readable(path) as connection:
        yield Reader(connection, check=partial(marker.check_opened, connection, path))


@contextmanager
def reading_nothing() -> Iterator[Reader]:
    """A reader of an empty store, where none was made yet."""
    with closing(connect_nothing()) as connection:
        yield Reader(connection, empty=True)
