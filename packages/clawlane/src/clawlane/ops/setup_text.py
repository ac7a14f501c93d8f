"""The first config file, with a comment for each choice; and answers as the values that a config holds."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from clawlane.config.choices import DmPolicy, GroupPolicy, PairingReply, Reload
from clawlane.config.senders import ANYONE
from clawlane.ops.setup_answers import AgentChoice, Answers, GroupChoice, Named

_BARE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_LONGEST_NAME = 60
_STEP, _MARK = "  ", "// "
_COLUMNS = 78
"""Of comments: they are shown indented before the file is written."""


_HEAD = (
    "The config of the gateway, written by `openclaw onboard`. It is JSON5: comments and trailing commas are"
    " allowed. After a change: openclaw config validate"
)
_DM = {
    DmPolicy.PAIRING: (
        "Direct messages. 'pairing': somebody new gets no answer, but a request that you see in"
        " `openclaw pairing list {channel}` and approve with `openclaw pairing approve`. The other words:"
        " 'allowlist' (allowFrom alone), 'open' (everybody), 'disabled'."
    ),
    DmPolicy.ALLOWLIST: (
        "Direct messages. 'allowlist': only the people in allowFrom are answered; approvals of pairing do not"
        " count. The other words: 'pairing', 'open' (everybody), 'disabled'."
    ),
    DmPolicy.OPEN: (
        "Direct messages. 'open': EVERYBODY who finds the account is answered. Narrower: 'pairing' (you"
        " approve each person) or 'allowlist' (allowFrom alone)."
    ),
    DmPolicy.DISABLED: (
        "Direct messages. 'disabled': none is answered, and nobody is told. The other words: 'pairing' (you"
        " approve each person), 'allowlist', 'open'."
    ),
}
_ALLOW_FROM = {
    DmPolicy.PAIRING: "Answered without a request. Ids, because names change.",
    DmPolicy.ALLOWLIST: "The people who are answered. Ids, because names change.",
    DmPolicy.OPEN: "These may use control commands in groups, too. Ids, because names change.",
    DmPolicy.DISABLED: "Nobody is answered while dmPolicy is 'disabled'.",
}
_NOBODY = "Answered without a request: nobody yet. Ids: openclaw directory peers list {words}"
_REPLY = {
    PairingReply.FRIENDS_SILENT: (
        "Who is sent a pairing code by text. 'friends-silent': strangers only, because bot texts to friends"
        " are what people complain about most; you see the requests of friends in `openclaw pairing list`."
    ),
    PairingReply.CODE: (
        "Who is sent a pairing code by text. 'code': everybody who asks, friends too. Quieter:"
        " 'friends-silent', 'silent'."
    ),
    PairingReply.SILENT: (
        "Who is sent a pairing code by text. 'silent': nobody; you see all requests in"
        " `openclaw pairing list {channel}`. The other words: 'code', 'friends-silent'."
    ),
}
_GROUPS = {
    GroupPolicy.DISABLED: (
        "Groups. 'disabled': none is answered. Verify direct messages first; then write 'allowlist' with ids"
        " from: openclaw directory groups list {words}"
    ),
    GroupPolicy.ALLOWLIST: (
        "Groups. 'allowlist': only those below are heard. The other words: 'disabled', 'open' (every group"
        " that the account is in)."
    ),
    GroupPolicy.OPEN: (
        "Groups. 'open': EVERY group that the account is in, or is ever added to, is heard. Narrower:"
        " 'allowlist' with the groups that you mean."
    ),
}
_GROUP_LIST = (
    "requireMention: only a message that mentions or quotes the account is answered; the others are kept as"
    " context for its next answer. allowFrom: who may speak there."
)
_NO_GROUP = "No group yet. Ids: openclaw directory groups list {words}"
_GROUP_ALLOW_FROM = "Who may speak in groups, where a group has no allowFrom of its own."
_AGENT = {
    "echo": "Who answers. An echo repeats each message: enough for a first try.",
    "endpoint": "Who answers: a server that speaks OpenAI's chat API.",
    "model": "Who answers: this model, in the gateway's own process.",
    "acp": "Who answers: a coding agent on this machine (Agent Client Protocol).",
    "command": "Who answers: this program, run once for each turn.",
}
_KEY = {
    "env": "The key is read from the variable {name} of the gateway's environment.",
    "file": "The key is read from that file, which only you may be able to read.",
}
_RELOAD = {
    Reload.ASK: (
        "An edit of this file that narrows access holds at once; one that widens it waits for"
        " `openclaw config apply`, or for the next start of the gateway. With 'auto' both hold at once."
    ),
    Reload.AUTO: (
        "Edits of this file hold at once, those that widen access, too. With 'ask' these wait for"
        " `openclaw config apply`, or for the next start of the gateway."
    ),
}


def first_file(channel: str, account: str | None, answers: Answers) -> str:
    """The text of a first config. Without an `account` the channel block is the only account."""
    body = list(_channel(channel, account, answers))
    if answers.agent is not None:
        body += ["", *_agents(answers.agent)]
    if answers.reload is not None:
        inner = [*_comment(_RELOAD[answers.reload]), f"reload: {_value(answers.reload)},"]
        body += ["", *_block("gateway", inner)]
    lines = [*_comment(_HEAD), "{", *_indented(body), "}"]
    return "".join(f"{line}\n" for long in lines for line in _wrapped(long))


def account_values(answers: Answers) -> dict[str, Any]:
    """The keys of an account, as values, in the order of the file. Unanswered questions have none."""
    found: dict[str, Any] = {}
    if answers.dm_policy is not None:
        found["dmPolicy"] = str(answers.dm_policy)
    if answers.allow_from is not None:
        found["allowFrom"] = [one.id for one in answers.allow_from]
    if answers.pairing_reply is not None:
        found["pairing"] = {"reply": str(answers.pairing_reply)}
    if answers.group_policy is not None:
        found["groupPolicy"] = str(answers.group_policy)
    if answers.group_allow_from is not None:
        found["groupAllowFrom"] = [one.id for one in answers.group_allow_from]
    if answers.groups is not None:
        found["groups"] = {one.id: _group_values(one) for one in answers.groups}
    return found


def agent_values(agent: AgentChoice) -> dict[str, Any]:
    """What stands under `agents.defaults` for an agent."""
    if agent.kind == "model":
        return {"model": agent.model}
    brain: dict[str, Any] = {"kind": agent.kind}
    if agent.kind == "endpoint":
        brain["url"] = agent.url
        if agent.model:
            brain["model"] = agent.model
        if agent.key_env:
            brain["apiKey"] = f"${{{agent.key_env}}}"
        elif agent.key_file:
            brain["apiKey"] = {"file": agent.key_file}
    elif agent.command:
        brain["command"] = list(agent.command)
    return {"brain": brain}


def _group_values(group: GroupChoice) -> dict[str, Any]:
    senders = {} if group.senders is None else {"allowFrom": [one.id for one in group.senders]}
    return {"requireMention": True, **senders}


def _channel(channel: str, account: str | None, answers: Answers) -> Iterator[str]:
    words = f"--channel {channel}" + (f" --account {account}" if account else "")
    settings = list(_settings(answers, channel, words))
    if account:
        own = ["enabled: true,", "", *_block("accounts", _block(account, settings))]
    else:
        own = ["enabled: true,", "", *settings]
    yield from _block("channels", _block(channel, own))


def _settings(answers: Answers, channel: str, words: str) -> Iterator[str]:
    values, names = account_values(answers), {"channel": channel, "words": words}
    sections: list[list[str]] = []
    if answers.dm_policy is not None:
        sections.append(_setting(_DM[answers.dm_policy].format(**names), "dmPolicy", values))
        if answers.allow_from is not None:
            told = _ALLOW_FROM[answers.dm_policy] if answers.allow_from else _NOBODY.format(**names)
            sections.append([*_comment(told), *_people("allowFrom", answers.allow_from)])
    if answers.pairing_reply is not None:
        sections.append(_setting(_REPLY[answers.pairing_reply].format(**names), "pairing", values))
    if answers.group_policy is not None:
        sections.append(_setting(_GROUPS[answers.group_policy].format(**names), "groupPolicy", values))
    if answers.group_allow_from is not None:
        people = _people("groupAllowFrom", answers.group_allow_from)
        sections.append([*_comment(_GROUP_ALLOW_FROM), *people])
    if answers.groups is not None:
        listed = _block("groups", [line for one in answers.groups for line in _group(one)])
        sections.append([*_comment(_GROUP_LIST if answers.groups else _NO_GROUP.format(**names)), *listed])
    for place, section in enumerate(sections):
        yield from ("", *section) if place else section


def _setting(comment: str, key: str, values: Mapping[str, Any]) -> list[str]:
    return [*_comment(comment), f"{key}: {_value(values[key])},"]


def _group(group: GroupChoice) -> list[str]:
    lines = ["requireMention: true,"]
    if group.senders is not None:
        lines += _people("allowFrom", group.senders)
    return [*_comment(_shown(group.name)), *_block(group.id, lines)]


def _people(key: str, people: Sequence[Named]) -> list[str]:
    if not people or [one.id for one in people] == [ANYONE]:
        return [f"{key}: {_value([one.id for one in people])},"]
    lines = [f"{_value(one.id)}," + (f" // {_shown(one.name)}" if _shown(one.name) else "") for one in people]
    return [f"{key}: [", *_indented(lines), "],"]


def _agents(agent: AgentChoice) -> list[str]:
    told = _AGENT[agent.kind]
    if agent.kind == "endpoint" and (agent.key_env or agent.key_file):
        told += "\n" + _KEY["env" if agent.key_env else "file"].format(name=agent.key_env)
    ((key, value),) = agent_values(agent).items()
    if isinstance(value, dict) and len(value) > 1:
        lines = _block(key, [f"{name}: {_value(one)}," for name, one in value.items()])
    else:
        lines = [f"{key}: {_value(value)},"]
    return _block("agents", _block("defaults", [*_comment(told), *lines]))


def _block(key: str, lines: Sequence[str]) -> list[str]:
    return [f"{_key(key)}: {{", *_indented(lines), "},"] if lines else [f"{_key(key)}: {{}},"]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"{_STEP}{line}" if line else "" for line in lines]


def _comment(text: str) -> list[str]:
    return [f"{_MARK}{line}" for line in text.splitlines()]


def _wrapped(line: str) -> list[str]:
    """A line of the file; a long comment as several."""
    bare = line.lstrip()
    if not bare.startswith(_MARK):
        return [line]
    start = line[: len(line) - len(bare)] + _MARK
    return wrap(
        bare.removeprefix(_MARK),
        _COLUMNS,
        initial_indent=start,
        subsequent_indent=start,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _key(key: str) -> str:
    return key if _BARE.match(key) else _value(key)


def _value(value: Any) -> str:
    """A value in the style of the file: single quotes, bare keys."""
    if isinstance(value, str):
        escaped = json.dumps(str(value), ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
        escaped = escaped.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        return f"'{escaped}'"
    if isinstance(value, Mapping):
        pairs = ", ".join(
            f"{name if _BARE.match(name) else _value(name)}: {_value(one)}" for name, one in value.items()
        )
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def _shown(name: str) -> str:
    """A name that somebody else chose, so that it can neither end its comment nor hide something in it."""
    kept = "".join(one for one in name if one.isspace() or unicodedata.category(one)[0] != "C")
    kept = " ".join(kept.split())
    return kept if len(kept) <= _LONGEST_NAME else f"{kept[: _LONGEST_NAME - 1]}…"
