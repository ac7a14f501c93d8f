"""What a change of the access rules opens and closes, in words."""

from __future__ import annotations

from collections.abc import Iterable

from clawlane.access.exposure import Change, DmReach
from clawlane.clock import length

_MOST = 20
"""Sentences about one change of the config; the others are counted."""

_KNOWN = {"anybody": "known so far", "strangers": "of them wrote lately", "friends": "of them now"}
"""What is said of the number of people behind a word for many."""

_NOW = {
    DmReach.IGNORED: "{are} ignored",
    DmReach.NOTED: "{wait} for your approval and {are} told nothing",
    DmReach.CHALLENGED: "{are} sent a pairing code",
    DmReach.ANSWERED: "{are} answered",
}
_WAS = {
    DmReach.IGNORED: "ignored",
    DmReach.NOTED: "told nothing",
    DmReach.CHALLENGED: "sent a pairing code",
    DmReach.ANSWERED: "answered",
}
_PLURAL = {"are": "are", "were": "were", "wait": "wait"}
_SINGULAR = {"are": "is", "were": "was", "wait": "waits"}


def sentences(changes: Iterable[Change]) -> list[str]:
    """A sentence for each change, with its account; the same change of several accounts is told once."""
    accounts: dict[str, list[str]] = {}
    for one in changes:
        accounts.setdefault(change_text(one), []).append(one.account)
    told = [f"{', '.join(names)}: {text}" for text, names in accounts.items()]
    return told if len(told) <= _MOST else [*told[:_MOST], f"and {len(told) - _MOST} more changes like these"]


def change_text(change: Change) -> str:
    """One change as a sentence without its account: `12 groups become reachable: …`."""
    data, count = change.data, change.count
    match change.code:
        case "account_on":
            return "the account is on"
        case "account_off":
            return "the account is off, so nobody reaches it"
        case "dm":
            return _dm(data, count)
        case "owners_added":
            return f"owners: {_people(data)} may use control commands"
        case "owners_removed":
            return f"owners: {_people(data)} may no longer use control commands"
        case "patterns_added":
            return f"in groups a text that fits {data['patterns']} counts as a mention"
        case "patterns_removed":
            return f"in groups a text that fits {data['patterns']} no longer counts as a mention"
        case "backlog":
            was, now = (length(int(data[key])) for key in ("was_ms", "now_ms"))
            return f"messages up to {now} old are answered (was: up to {was})"
        case "tools_added" | "tools_removed" if data.get("dms"):
            whose = f" of {data['people']}" if "people" in data else ""
            return f"in direct messages{whose} {_tools(change.code, data)}"
        case "outbound_loosened" | "outbound_tightened" if data.get("dms"):
            whose = f" to {data['people']}" if "people" in data else ""
            return f"in direct messages{whose} {_outbound(data)}"
    return _groups(change)


def _tools(code: str, data: dict[str, str]) -> str:
    """Which tools whoever is admitted can make the agent use now, or no longer."""
    return f"the agent may {'use' if code == 'tools_added' else 'no longer use'} {data['tools']}"


_LEAVES = {
    "auto": "what the agent writes leaves without your approval",
    "approve": "what the agent writes waits for your approval",
    "off": "nothing leaves",
}


def _outbound(data: dict[str, str]) -> str:
    """What leaves now (`outbound`), and what the mode was."""
    return f"{_LEAVES[data['now']]} (outbound was: {data['was']})"


def _dm(data: dict[str, str], count: int) -> str:
    was, now, who = DmReach(data["was"]), DmReach(data["now"]), data["who"]
    singular = who == "anybody" or (who not in _KNOWN and count == 1)
    verbs = _SINGULAR if singular else _PLURAL
    does, before = _NOW[now].format(**verbs), f" ({verbs['were']}: {_WAS[was]})"
    if was is DmReach.ANSWERED:
        told = "" if now is DmReach.IGNORED else f" but {does}"
        does, before = f"{verbs['are']} no longer answered{told}", ""
    elif now is DmReach.ANSWERED and was is not DmReach.IGNORED:
        does += " without a pairing code"
    if who in _KNOWN:
        return f"DMs: {who} {does}{before}" + (f"; {count} {_KNOWN[who]}" if count else "")
    noun = ("approved sender", "approved senders") if who == "approved" else ("person", "people")
    return f"DMs: {_number(count, *noun)} {does}{before}: {data['people']}"


def _groups(change: Change) -> str:
    """A change of one or more groups that are named, or of every group without an entry of its own."""
    data, count = change.data, change.count
    subject, named = "any other group", ""
    if groups := data.get("groups", ""):
        subject = f"the group {groups}" if count == 1 else f"{count} groups"
        named = "" if count == 1 else f": {groups}"
    becomes = "become" if count > 1 else "becomes"
    if change.code == "group_reachable":
        verb = "mentions" if data["who"] in ("anyone", "1") else "mention"
        mention = f"who {verb} the account" if data["mention"] else "without a mention"
        return f"{subject} {becomes} reachable by {_n(data['who'])} {mention}{named}"
    if change.code == "group_unreachable":
        return f"{subject} {becomes} unreachable{named}"
    told = _in_groups(change.code, data)
    return f"{told} in {subject}{named}" if named else f"in {subject}: {told}"


def _in_groups(code: str, data: dict[str, str]) -> str:
    match code:
        case "speakers_anyone":
            return f"anyone may speak (was: {_n(data['was'])})"
        case "speakers_listed":
            return f"only {_n(data['now'])} may speak (was: anyone)"
        case "speakers_added":
            return f"{_people(data)} may speak"
        case "speakers_removed":
            return f"{_people(data)} may no longer speak"
        case "mention_off":
            return "no mention is needed"
        case "mention_on":
            return "a mention is needed"
        case "commands_added":
            return f"{_people(data)} may use control commands"
        case "commands_removed":
            return f"{_people(data)} may no longer use control commands"
        case "tools_added" | "tools_removed":
            return _tools(code, data)
        case "outbound_loosened" | "outbound_tightened":
            return _outbound(data)
    raise KeyError(code)


def _n(people: str) -> str:
    return people if people == "anyone" else _number(int(people), "person", "people")


def _people(data: dict[str, str]) -> str:
    """`anyone`, `Lan (147…)`, or `5 people (…)`."""
    if data.get("who") == "anyone":
        return "anyone"
    return data["people"] if int(data["n"]) == 1 else f"{data['n']} people ({data['people']})"


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
