"""Reads the status of one account: as it runs, as its rules are, and as it is stored."""

from __future__ import annotations

from msgspec.structs import replace

from clawlane.access.fingerprint import fingerprint
from clawlane.access.in_force import Rules
from clawlane.channel import Account, Channel, Health, Phase, State, StateCode, VaultError
from clawlane.credentials.profile import NOT_EXPENDABLE, Consent
from clawlane.lane.hours import QuietHours
from clawlane.lane.live_settings import keep_of
from clawlane.lane.pacing import WINDOWS
from clawlane.lane.warm_up import DAYS, WarmUp, replies
from clawlane.ops import address_book
from clawlane.ops.access_findings import Directory, findings
from clawlane.ops.account_status import (
    AbilityOff,
    AccountStatus,
    AlertsStatus,
    Decisions,
    HeldReply,
    NameStatus,
    PairingCounts,
    QuietStatus,
    RetentionStatus,
    User,
    WarmUpStatus,
)
from clawlane.ops.alarm_info import AlarmInfo
from clawlane.ops.channel_list import readable_consent
from clawlane.ops.context import OpContext, account_words
from clawlane.ops.pause import PauseInfo, TakeoverInfo
from clawlane.ops.policy_status import outbound_status, own_outbound_status, policy_status
from clawlane.ops.probing import rehearsal_of
from clawlane.ops.problems import AMONG
from clawlane.ops.rules_from import rules_in_force
from clawlane.ops.speakers import who_may_speak
from clawlane.ops.upgrade import waiting_upgrade
from clawlane.ops.verification_state import verification_of
from clawlane.store.reader import Reader
from clawlane.store.retention import FORGOTTEN
from clawlane.store.send_log import DAY_MS
from clawlane.texts import later, t, told
from clawlane.threads import Thread, ThreadKind

_GAPS_SHOWN_MS = 7 * 86_400_000


def read_account(ctx: OpContext, channel: Channel, account: Account, reader: Reader) -> AccountStatus:
    """One account; without its problems, which follow from the rest."""
    rules = rules_in_force(ctx, account)
    running = _as_it_runs(ctx, account, rules, rehearsal_of(channel))
    stored = _with_what_is_stored(running, reader, account, ctx.now_ms())
    stored = replace(stored, abilities_off=_abilities_off(stored, ctx, account, reader))
    disclosure = str(account.settings.disclosure or "")
    stored = replace(stored, retention=_retention(reader, account), disclosure=disclosure)
    return _with_its_rules(stored, ctx, account, rules, reader)


def _as_it_runs(ctx: OpContext, account: Account, rules: Rules, rehearsal: str) -> AccountStatus:
    live, failing = ctx.live.get(str(account)), ctx.store.failing if ctx.store else ""
    user, state = _user_and_state(ctx, account)
    return AccountStatus(
        id=account.id,
        profile=account.profile,
        name=account.name,
        enabled=account.enabled,
        linked=user is not None,
        identity=user,
        consent=readable_consent(ctx, account),
        phase=state.phase,
        code=state.code or state.phase,
        since_ms=live.since_ms if live else None,
        reason=t(state.reason),
        help=state.action,
        auth=state.auth or Health.UNKNOWN,
        inbound=state.inbound or Health.UNKNOWN,
        outbound=state.outbound or Health.UNKNOWN,
        noticed_ms=state.noticed_ms,
        skew_ms=state.skew_ms,
        dm_policy=policy_status(ctx.config, account, "dmPolicy", rules),
        group_policy=policy_status(ctx.config, account, "groupPolicy", rules),
        modes=outbound_status(rules),
        own_modes=own_outbound_status(rules),
        rehearsal=rehearsal,
        storing=Health.UNKNOWN if ctx.store is None else Health.BROKEN if failing else Health.OK,
        storing_reason=failing,
        address_book_ms=address_book.taken_ms(ctx.paths, str(account)),
    )


def _own_thread_silent_ms(one: AccountStatus, account: Account, reader: Reader, now_ms: int) -> int | None:
    if not account.settings.owner_commands or one.identity is None:
        return None
    return reader.own_thread_silent_ms(str(account), Thread(ThreadKind.DM, one.identity.id), now_ms)


def _with_what_is_stored(one: AccountStatus, reader: Reader, account: Account, now_ms: int) -> AccountStatus:
    name = str(account)
    activity = reader.activity(name)
    return replace(
        one,
        last_inbound_ms=activity.last_inbound_ms,
        last_outbound_ms=activity.last_outbound_ms,
        counters=activity.counters,
        outbox={"queued": 0, "unknown": 0, **activity.outbox},
        too_old=reader.too_old_in_a_row(name, AMONG),
        gaps=reader.gaps(name, now_ms - _GAPS_SHOWN_MS),
        pairing=PairingCounts.of([one for one in reader.requests(now_ms) if one.account == name]),
        pauses=[PauseInfo.of(one, reader) for one in reader.pauses() if one.account == name],
        takeovers=list(map(TakeoverInfo.of, reader.taken_over(name, now_ms))),
        takeovers_off=reader.takeovers_off(name),
        alarms=[AlarmInfo.of(one) for one in reader.open_alarms(name)],
        waiting=reader.waiting_turns(name),
        expired=reader.expired(name),
        held=list(map(HeldReply.of, reader.held(name, now_ms))),
        decisions=Decisions(
            reader.undecided_sends(name), reader.dead_letter_count(name), activity.counters.get(FORGOTTEN, 0)
        ),
        own_thread_silent_ms=_own_thread_silent_ms(one, account, reader, now_ms),
        drafts=reader.waiting_drafts(name, now_ms),
        alerts=AlertsStatus.of(len(reader.alerts(name)), reader.deliveries(name)),
        look_ups=[str(kind) for kind in reader.returned(name)],
        upgrade=waiting_upgrade(reader, name),
        restored_ms=reader.restored_ms(name),
    )


def _abilities_off(one: AccountStatus, ctx: OpContext, account: Account, reader: Reader) -> list[AbilityOff]:
    is_default = account.id == ctx.config.channels[account.channel].default_account
    words = account_words(account.channel, account.id, is_default)
    return AbilityOff.all_of(reader.abilities_off(str(account), simulated=bool(one.rehearsal)), words)


def _retention(reader: Reader, account: Account) -> RetentionStatus:
    asked = [f"{one.whom} {one.id}" for one in reader.forgetting(str(account))]
    take = reader.next_take(str(account), keep_of(account.settings))
    return RetentionStatus(take.texts, take.at_ms, asked) if take else RetentionStatus(forgetting=asked)


def _with_its_rules(
    one: AccountStatus, ctx: OpContext, account: Account, rules: Rules, reader: Reader
) -> AccountStatus:
    directory = Directory.read(reader, account)
    pins = [pin for name in rules.names_to_pin() if (pin := directory.pins.of_name(name))]
    kept = reader.verifications(str(account))
    return replace(
        one,
        names=list(map(NameStatus.of, pins)),
        findings=findings(ctx.config, account, directory, rules),
        speakers=who_may_speak(account, rules, directory.pins, reader),
        verification=verification_of(kept, fingerprint(rules), rehearsed=bool(one.rehearsal)),
        warm_up=_warm_up(account, one.consent, reader, ctx.now_ms()),
        quiet=quiet_now(ctx, account),
    )


def holds_warm_up(ctx: OpContext, account: Account, reader: Reader) -> bool:
    """Whether a new session has sent as many replies as its warm-up allows in one of its windows."""
    now_ms, name = ctx.now_ms(), str(account)
    if (day := warm_up_day(account, readable_consent(ctx, account), reader, now_ms)) is None:
        return False
    pacing = account.settings.pacing
    sent = ((window, reader.reply_count(name, now_ms - length_ms)) for window, length_ms in WINDOWS)
    return any(count >= replies(pacing, window, day) for window, count in sent)


def warm_up_day(account: Account, consent: Consent | None, reader: Reader, now_ms: int) -> int | None:
    """The day of the warm-up of a new session, from 1; None once it is over, or without one."""
    begun_ms = reader.warm_up_begun_ms(str(account))
    needed = account.settings.pacing.warm_up or (consent is not None and consent.expendable == NOT_EXPENDABLE)
    return WarmUp(begun_ms).day(now_ms) if needed and begun_ms is not None else None


def _warm_up(account: Account, consent: Consent | None, reader: Reader, now_ms: int) -> WarmUpStatus | None:
    pacing = account.settings.pacing
    day = warm_up_day(account, consent, reader, now_ms)
    if day is None:
        return None
    sent = reader.reply_count(str(account), now_ms - DAY_MS)
    return WarmUpStatus(day, DAYS, sent, replies(pacing, "day", day))


def quiet_now(ctx: OpContext, account: Account) -> QuietStatus | None:
    """Until when it is quiet for an account; None while it is not."""
    quiet = QuietHours.of(account.settings.quiet_hours, ctx.zone()).now(ctx.now_ms())
    return QuietStatus(str(quiet.do), quiet.until_ms) if quiet else None


def _user_and_state(ctx: OpContext, account: Account) -> tuple[User | None, State]:
    """Who is logged in, and how the account is: as it runs, or what keeps a gateway from running it."""
    user, stopped = None, State(Phase.STOPPED, code=StateCode.GATEWAY_DOWN)
    try:
        if identity := ctx.vault(account).identity():
            user = User(*identity)
        else:
            is_default = account.id == ctx.config.channels[account.channel].default_account
            login = f"openclaw channels login {account_words(account.channel, account.id, is_default)}"
            not_linked = StateCode.NOT_LOGGED_IN
            stopped = State(Phase.STOPPED, later("not linked"), login, auth=Health.BROKEN, code=not_linked)
    except VaultError as error:
        unreadable = StateCode.SESSION_UNREADABLE
        stopped = State(Phase.STOPPED, told(error), auth=Health.BROKEN, code=unreadable)
    live = ctx.live.get(str(account))
    return user, live.state if live else stopped
