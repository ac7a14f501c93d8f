"""A login in words: its steps, what came of it, and what is said before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clawlane.ops import finding_text
from clawlane.ops.accounts import FoundAccount
from clawlane.ops.login import Begun, ConsentNeeded, Linked, LoggedOut, OtherLogin
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize

_MOST_OTHERS = 4
EXPIRED = later("the stored session has expired, so here is a new code")


def about_sentence(needed: ConsentNeeded) -> str:
    """Which account and profile the question about the risk is about."""
    return t(
        "This is about the account '{account}' (profile '{profile}').",
        account=needed.account,
        profile=needed.profile,
    )


def former_sentence(needed: ConsentNeeded) -> str:
    """Why a risk that was accepted is asked about again; empty if it was not."""
    if not needed.former_user:
        return ""
    return t(
        "the risk was accepted for another user ({user}), so you are asked again", user=needed.former_user
    )


def linking_sentence(account: FoundAccount, host: str) -> str:
    """What is about to be linked."""
    return t(
        "Linking {channel} on {host}: account '{account}', profile '{profile}'.",
        channel=account.channel,
        host=host,
        account=account.account,
        profile=account.profile,
    )


def rehearsal_sentence(begun: Begun) -> str:
    """That a simulator stands in for the platform; empty if none does."""
    if not begun.rehearsal:
        return ""
    rehearsal = later("REHEARSAL: this talks to a simulator on {address}, not to the real platform.")
    return t(rehearsal, address=begun.rehearsal)


def others_sentence(begun: Begun) -> str:
    """Whose phone must not scan the code; empty if it is nobody's."""
    if not begun.others:
        return ""
    never = later("Do not scan with the phone of {accounts}: a scan ends that session.")
    return t(never, accounts=_listed(begun.others))


def scanned_sentence(name: str) -> str:
    """Who has scanned the code."""
    return t("Scanned by {phone}. Confirm the login on the phone.", phone=sanitize(name) or t("a phone"))


def linked_sentence(account: FoundAccount, linked: Linked) -> str:
    """Who is logged in: since the scan, or before."""
    if not linked.already:
        return t(
            "Linked as {name} ({user}). The session is stored, sealed.",
            name=sanitize(linked.user_name),
            user=linked.user_id,
        )
    return t(
        "{account} is already linked as {name} ({user}), profile '{profile}'.",
        account=account,
        name=sanitize(linked.user_name),
        user=linked.user_id,
        profile=account.profile,
    )


def left_on_phone(where: str) -> str:
    """What a login that failed after it was confirmed may leave behind."""
    return t("the phone may list this login although it failed: {where}", where=where)


def next_steps(linked: Linked, channel: str) -> Iterator[str]:
    """What is said after a login, a line each."""
    for agent in linked.agents:
        yield finding_text.text(agent)
    if linked.started:
        yield t("the running gateway starts the account now")
    elif linked.start_failed:
        yield t(
            "the running gateway did not start the account: {why}; restart the gateway",
            why=linked.start_failed,
        )
    elif not linked.already:
        yield t("start the gateway: openclaw gateway run")
    if not linked.configured:
        block = f"{{ channels: {{ {channel}: {{ enabled: true }} }} }}"
        yield t("the channel is off until the config has a block for it: {block}", block=block)


def logged_out_sentences(done: LoggedOut) -> Iterator[str]:
    """What became of a session that was to be forgotten."""
    name = f"{done.channel}/{done.account}"
    if done.cleared:
        yield t("Logged out {account}: its session is removed from this machine.", account=name)
    else:
        yield t("Nobody was logged in on {account}; there was nothing to clear.", account=name)
    if done.cleared and done.on_phone:
        yield t("The platform keeps the session until you end it: {how}.", how=done.on_phone)


def warnings_of(done: LoggedOut) -> Iterator[str]:
    """What did not go as it should."""
    for what in done.warnings:
        yield t("warning: {what}", what=t(what))


def _listed(others: Sequence[OtherLogin]) -> str:
    """`zalouser/shop (Lan, 147…) or zalouser/home (…)`, the first few of them."""
    told = [f"{one.account} ({sanitize(one.user_name)}, {one.user_id})" for one in others[:_MOST_OTHERS]]
    more = len(others) - len(told)
    if more:
        told.append(t("{n} more accounts that are linked here", n=more))
    return t(" or ").join(told)
