"""What a change of the access rules opens and closes, in words."""

from __future__ import annotations

from collections.abc import Iterable

from clawlane.access.exposure import Change, DmReach
from clawlane.clock import length
from clawlane.texts import later

_MOST = 20
"""Sentences about one change of the config; the others are counted."""

_WHO = {"anybody": later("anybody"), "strangers": later("strangers"), "friends": later("friends")}
"""Words for many, whose number need not be known."""

_KNOWN = {
    "anybody": later("; {n} known so far"),
    "strangers": later("; {n} of them wrote lately"),
    "friends": later("; {n} of them now"),
}
_NOW = {
    DmReach.IGNORED: (later("is ignored"), later("are ignored")),
    DmReach.NOTED: (
        later("waits for your approval and is told nothing"),
        later("wait for your approval and are told nothing"),
    ),
    DmReach.CHALLENGED: (later("is sent a pairing code"), later("are sent a pairing code")),
    DmReach.ANSWERED: (later("is answered"), later("are answered")),
}
"""What happens to the messages of one, and of several."""

_WAS = {
    DmReach.IGNORED: (later(" (was: ignored)"), later(" (were: ignored)")),
    DmReach.NOTED: (later(" (was: told nothing)"), later(" (were: told nothing)")),
    DmReach.CHALLENGED: (later(" (was: sent a pairing code)"), later(" (were: sent a pairing code)")),
    DmReach.ANSWERED: (later(" (was: answered)"), later(" (were: answered)")),
}
_WITHOUT_CODE = (
    later("is answered without a pairing code"),
    later("are answered without a pairing code"),
)
_NO_LONGER = (later("is no longer answered"), later("are no longer answered"))
_NO_LONGER_BUT = (later("is no longer answered but {does}"), later("are no longer answered but {does}"))


def sentences(changes: Iterable[Change]) -> list[str]:
    """A sentence for each change, with its account; the same change of several accounts is told once."""
    accounts: dict[str, list[str]] = {}
    for one in changes:
        accounts.setdefault(change_text(one), []).append(one.account)
    told = [
        later("{accounts}: {text}", accounts=", ".join(names), text=text) for text, names in accounts.items()
    ]
    if len(told) <= _MOST:
        return told
    return [*told[:_MOST], later("and {n} more changes like these", n=len(told) - _MOST)]


def change_text(change: Change) -> str:
    """One change as a sentence without its account: `12 groups become reachable: …`.

    It is made by `later`: a gateway keeps it, and whoever asks reads it in another language.
    """
    data, count = change.data, change.count
    match change.code:
        case "account_on":
            return later("the account is on")
        case "account_off":
            return later("the account is off, so nobody reaches it")
        case "dm":
            return _dm(data, count)
        case "owners_added":
            return later("owners: {people} may use control commands", people=_people(data))
        case "owners_removed":
            return later("owners: {people} may no longer use control commands", people=_people(data))
        case "patterns_added":
            return later(
                "in groups a text that fits {patterns} counts as a mention", patterns=data["patterns"]
            )
        case "patterns_removed":
            no_longer = later("in groups a text that fits {patterns} no longer counts as a mention")
            return later(no_longer, patterns=data["patterns"])
        case "backlog":
            was, now = (length(int(data[key]), later) for key in ("was_ms", "now_ms"))
            return later("messages up to {now} old are answered (was: up to {was})", now=now, was=was)
        case "tools_added" | "tools_removed" if data.get("dms"):
            return _in_dms(_tools(change.code, data), data, later("in direct messages of {people} {does}"))
        case "outbound_loosened" | "outbound_tightened" if data.get("dms"):
            return _in_dms(_outbound(data), data, later("in direct messages to {people} {does}"))
    return _groups(change)


def _in_dms(does: str, data: dict[str, str], of_some: str) -> str:
    """What changes in direct messages: of all, or `of_some` people."""
    if "people" in data:
        return later(of_some, people=data["people"], does=does)
    return later("in direct messages {does}", does=does)


def _tools(code: str, data: dict[str, str]) -> str:
    """Which tools whoever is admitted can make the agent use now, or no longer."""
    if code == "tools_added":
        return later("the agent may use {tools}", tools=data["tools"])
    return later("the agent may no longer use {tools}", tools=data["tools"])


_LEAVES = {
    "auto": later("what the agent writes leaves without your approval (outbound was: {was})"),
    "approve": later("what the agent writes waits for your approval (outbound was: {was})"),
    "off": later("nothing leaves (outbound was: {was})"),
}


def _outbound(data: dict[str, str]) -> str:
    """What leaves now (`outbound`), and what the mode was."""
    return later(_LEAVES[data["now"]], was=data["was"])


def _dm(data: dict[str, str], count: int) -> str:
    was, now, who = DmReach(data["was"]), DmReach(data["now"]), data["who"]
    several = not (who == "anybody" or (who not in _WHO and count == 1))
    before = _WAS[was][several]
    does = _NOW[now][several]
    if was is DmReach.ANSWERED:
        before = ""
        no_longer, but = _NO_LONGER[several], _NO_LONGER_BUT[several]
        does = no_longer if now is DmReach.IGNORED else later(but, does=does)
    elif now is DmReach.ANSWERED and was is not DmReach.IGNORED:
        does = _WITHOUT_CODE[several]
    if who in _WHO:
        known = later(_KNOWN[who], n=count) if count else ""
        return later(
            "DMs: {who} {does}{before}{known}",
            who=_WHO[who],
            does=does,
            before=before,
            known=known,
        )
    if who == "approved":
        people = _number(count, later("{n} approved sender"), later("{n} approved senders"))
    else:
        people = _number(count, _PERSON, _PEOPLE)
    return later(
        "DMs: {who} {does}{before}: {people}", who=people, does=does, before=before, people=data["people"]
    )


_REACHABLE = {
    "one": (
        later("{groups} becomes reachable by {who} who mentions the account{named}"),
        later("{groups} become reachable by {who} who mentions the account{named}"),
    ),
    "some": (
        later("{groups} becomes reachable by {who} who mention the account{named}"),
        later("{groups} become reachable by {who} who mention the account{named}"),
    ),
    "": (
        later("{groups} becomes reachable by {who} without a mention{named}"),
        later("{groups} become reachable by {who} without a mention{named}"),
    ),
}
"""By how many have to mention the account, for one group and for several."""

_UNREACHABLE = (later("{groups} becomes unreachable{named}"), later("{groups} become unreachable{named}"))


def _groups(change: Change) -> str:
    """A change of one or more groups that are named, or of every group without an entry of its own."""
    data, count = change.data, change.count
    subject, named = later("any other group"), ""
    if groups := data.get("groups", ""):
        subject = later("the group {name}", name=groups) if count == 1 else later("{n} groups", n=count)
        named = "" if count == 1 else later(": {groups}", groups=groups)
    several = count > 1
    if change.code == "group_reachable":
        mention = ("one" if data["who"] in ("anyone", "1") else "some") if data["mention"] else ""
        return later(_REACHABLE[mention][several], groups=subject, who=_n(data["who"]), named=named)
    if change.code == "group_unreachable":
        return later(_UNREACHABLE[several], groups=subject, named=named)
    told = _in_groups(change.code, data)
    if named:
        return later("{told} in {groups}{named}", told=told, groups=subject, named=named)
    return later("in {groups}: {told}", groups=subject, told=told)


def _in_groups(code: str, data: dict[str, str]) -> str:
    match code:
        case "speakers_anyone":
            return later("anyone may speak (was: {who})", who=_n(data["was"]))
        case "speakers_listed":
            return later("only {who} may speak (was: anyone)", who=_n(data["now"]))
        case "speakers_added":
            return later("{people} may speak", people=_people(data))
        case "speakers_removed":
            return later("{people} may no longer speak", people=_people(data))
        case "mention_off":
            return later("no mention is needed")
        case "mention_on":
            return later("a mention is needed")
        case "commands_added":
            return later("{people} may use control commands", people=_people(data))
        case "commands_removed":
            return later("{people} may no longer use control commands", people=_people(data))
        case "tools_added" | "tools_removed":
            return _tools(code, data)
        case "outbound_loosened" | "outbound_tightened":
            return _outbound(data)
    raise KeyError(code)


_ANYONE, _PERSON, _PEOPLE = later("anyone"), later("{n} person"), later("{n} people")


def _n(people: str) -> str:
    return _ANYONE if people == "anyone" else _number(int(people), _PERSON, _PEOPLE)


def _people(data: dict[str, str]) -> str:
    """`anyone`, `Lan (147…)`, or `5 people (…)`."""
    if data.get("who") == "anyone":
        return _ANYONE
    if int(data["n"]) == 1:
        return data["people"]
    return later("{n} people ({names})", n=data["n"], names=data["people"])


def _number(count: int, one: str, many: str) -> str:
    return later(one if count == 1 else many, n=count)
