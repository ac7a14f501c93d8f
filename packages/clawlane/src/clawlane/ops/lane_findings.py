"""What an operator should know of a lane apart from who may write: its login, its risk, and its proof."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from clawlane.abilities import why_off
from clawlane.access.fingerprint import fingerprint
from clawlane.capabilities import Login, NeedsConsent
from clawlane.channel import Account, Channel, VaultError
from clawlane.config.choices import DmPolicy, PairingReply
from clawlane.credentials.profile import Consent, ConsentDamaged
from clawlane.ops.context import OpContext, account_words
from clawlane.ops.finding_text import off_sentence
from clawlane.ops.findings import Finding, Severity
from clawlane.ops.login import NOT_ASKED
from clawlane.ops.probing import rehearsal_of
from clawlane.ops.rules_from import rules_in_force
from clawlane.ops.verification_state import Verification, VerificationState, verification_of
from clawlane.store.errors import StoreUnusable
from clawlane.texts import later
from clawlane.zone import shown

if TYPE_CHECKING:
    from clawlane.access.in_force import Rules
    from clawlane.config.load import ChannelConfig, Config
    from clawlane.credentials.profiles import Profiles


def of_lane(
    ctx: OpContext, config: Config, block: ChannelConfig, account: Account, rules: Rules
) -> Iterator[Finding]:
    """Everything about one enabled account of a channel, by these rules; its proof is of those in force."""
    channel = ctx.runtime(block.manifest)
    words = account_words(account.channel, account.id, account.id == block.default_account)
    linked = yield from login(ctx, channel, account, words)
    yield from _risk(ctx, block, channel, account, words, linked=linked)
    if linked:
        yield from _proof(ctx, channel, account, words)
        yield from _switched_off(ctx, channel, account, words)
    yield from careless(config, account, rules)
    if account.settings.disclosure is None:
        yield _finding(account, Severity.NOTE, "disclosure_unset")


def login(ctx: OpContext, channel: Channel, account: Account, words: str) -> Generator[Finding, None, bool]:
    """Whether somebody is logged in, and by a session that can be read. Returns whether the lane can run."""
    try:
        identity = ctx.vault(account).identity()
    except VaultError as error:
        yield _finding(account, Severity.ERROR, "session_damaged", text=error.text, mend=error.help)
        return False
    if isinstance(channel, Login) and identity is None:
        yield _finding(account, Severity.WARNING, "not_linked", words=words)
        return False
    return True


def _risk(
    ctx: OpContext, block: ChannelConfig, channel: Channel, account: Account, words: str, *, linked: bool
) -> Iterator[Finding]:
    """What the operator was told and answered. An accepted risk is a finding that never goes away."""
    if not isinstance(channel, NeedsConsent):
        return
    try:
        consent = ctx.consent(account)
    except ConsentDamaged as error:
        case = {"case": "damaged", "reason": error.args[0]}
        yield _finding(account, Severity.ERROR, "risk_not_accepted", words=words, **case)
        return
    if consent is None:
        if linked:  # else the login asks
            yield _finding(account, Severity.ERROR, "risk_not_accepted", words=words)
        return
    yield _accepted(block, account, consent)
    if consent.others == NOT_ASKED:
        yield _finding(account, Severity.WARNING, "others_not_asked", words=words)
    if consent.expendable == NOT_ASKED:
        yield _finding(account, Severity.WARNING, "risk_not_asked", words=words)
    elif consent.expendable == "no":
        alternative = channel.risk().said().alternative
        yield _finding(account, Severity.WARNING, "not_expendable", alternative=alternative)


def _accepted(block: ChannelConfig, account: Account, consent: Consent) -> Finding:
    day = shown().day(consent.accepted_ms)
    data = {"label": block.manifest.label, "day": day, "expendable": consent.expendable}
    return Finding(Severity.NOTE, "unofficial_lane", str(account), data, None, (str(account),), accepted=True)


def _proof(ctx: OpContext, channel: Channel, account: Account, words: str) -> Iterator[Finding]:
    try:
        found = proof_of(ctx, channel, account)
    except StoreUnusable:  # a finding of its own
        return
    if found.state is not VerificationState.VERIFIED:
        case, failed, unproven = str(found.state), ", ".join(found.failed), ", ".join(found.unproven)
        data = {
            "failed": later("; failed: {steps}", steps=failed) if failed else "",
            "unproven": later("; not proven: {steps}", steps=unproven) if unproven else "",
        }
        yield _finding(account, Severity.WARNING, "unverified", case=case, words=words, **data)


def _switched_off(ctx: OpContext, channel: Channel, account: Account, words: str) -> Iterator[Finding]:
    try:
        with ctx.read() as reader:
            found = reader.abilities_off(str(account), simulated=bool(rehearsal_of(channel)))
    except StoreUnusable:  # a finding of its own
        return
    for one in found:
        if one.off is not None:
            data = {"text": off_sentence(one.ability), "why": why_off(one.off), "name": str(one.ability)}
            yield _finding(account, Severity.WARNING, "ability_off", words=words, **data)


def proof_of(ctx: OpContext, channel: Channel, account: Account) -> Verification:
    """What the ritual has proven of an account, by the rules in force. Raises `StoreUnusable`."""
    policy = fingerprint(rules_in_force(ctx, account))
    with ctx.read() as reader:
        kept = reader.verifications(str(account))
    return verification_of(kept, policy, rehearsed=bool(rehearsal_of(channel)))


def careless(config: Config, account: Account, rules: Rules) -> Iterator[Finding]:
    """Settings by which a personal account is soon noticed: texts to strangers, sending without limits."""
    settings, policies = account.settings, {one.dm for one in rules}
    challenges = DmPolicy.PAIRING in policies and policies <= {DmPolicy.PAIRING, DmPolicy.OPEN}
    challenges = challenges and not any(one.allow.anyone for one in rules)
    if challenges and rules.pairing_reply is not PairingReply.SILENT:
        origin, reply = config.effective(account, "pairing").origin, str(rules.pairing_reply)
        of_friends = rules.pairing_reply is PairingReply.CODE
        severity = Severity.WARNING if of_friends else Severity.NOTE
        data = {"key": f"{origin.path}.reply", "case": reply}
        yield Finding(severity, "pairing_codes", origin.path, data, origin.line, (str(account),))
    if not settings.pacing.enabled:
        origin = config.effective(account, "pacing").origin
        yield _at(account, "pacing_off", f"{origin.path}.enabled", origin.line)


def one_user_twice(accounts: Sequence[Account], profiles: Profiles) -> Iterator[Finding]:
    """Two accounts on which the same user is logged in: each ends the other's session.

    A login refuses that, but an account can come into the config later than its session.
    """
    first: dict[str, Account] = {}
    for account in accounts:
        user_id = profiles.user_of(account)
        other = first.setdefault(user_id, account) if user_id else account
        if other is not account:
            words = f"--channel {account.channel} --account {account.id}"
            data = {"user_id": user_id, "other": str(other), "words": words}
            both = (str(other), str(account))
            yield Finding(Severity.ERROR, "one_user_twice", str(account), data, None, both)


def _finding(account: Account, severity: Severity, code: str, /, **data: str) -> Finding:
    return Finding(severity, code, str(account), data, None, (str(account),))


def _at(account: Account, code: str, path: str, line: int | None, /, **data: str) -> Finding:
    return Finding(Severity.WARNING, code, path, data, line, (str(account),))
