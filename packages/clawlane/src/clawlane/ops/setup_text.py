"""The first config file, with a comment for each choice; and answers as the values that a config holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clawlane.config.choices import (
    Acks,
    Disclosure,
    DmPolicy,
    GroupPolicy,
    OutboundMode,
    PairingReply,
    Reload,
)
from clawlane.config.senders import ANYONE
from clawlane.config.writing import COMMENT, Style, wrapped_comment
from clawlane.ops.setup_answers import AgentChoice, AlertChoice, Answers, GroupChoice, Named, span_of
from clawlane.texts import ENGLISH, later, locale, t

_LONGEST_NAME = 60

_HEAD = later(
    "The config of the gateway, written by `openclaw onboard`. It is JSON5: comments and trailing commas are"
    " allowed. After a change: openclaw config validate"
)
_DM = {
    DmPolicy.PAIRING: later(
        "Direct messages. 'pairing': somebody new gets no answer, but a request that you see in"
        " `openclaw pairing list {channel}` and approve with `openclaw pairing approve`. The other words:"
        " 'allowlist' (allowFrom alone), 'open' (everybody), 'disabled'."
    ),
    DmPolicy.ALLOWLIST: later(
        "Direct messages. 'allowlist': only the people in allowFrom are answered; approvals of pairing do not"
        " count. The other words: 'pairing', 'open' (everybody), 'disabled'."
    ),
    DmPolicy.OPEN: later(
        "Direct messages. 'open': EVERYBODY who finds the account is answered. Narrower: 'pairing' (you"
        " approve each person) or 'allowlist' (allowFrom alone)."
    ),
    DmPolicy.DISABLED: later(
        "Direct messages. 'disabled': none is answered, and nobody is told. The other words: 'pairing' (you"
        " approve each person), 'allowlist', 'open'."
    ),
}
_IDS = later("Ids, because names change.")
_ALLOW_FROM = {
    DmPolicy.PAIRING: later("Answered without a request. Ids, because names change."),
    DmPolicy.ALLOWLIST: later("The people who are answered. Ids, because names change."),
    DmPolicy.OPEN: later("These may use control commands in groups, too. Ids, because names change."),
    DmPolicy.DISABLED: later("Nobody is answered while dmPolicy is 'disabled'."),
}
_NOBODY = later("Answered without a request: nobody yet. Ids: openclaw directory peers list {words}")
_REPLY = {
    PairingReply.FRIENDS_SILENT: later(
        "Who is sent a pairing code by text. 'friends-silent': strangers only, because bot texts to friends"
        " are what people complain about most; you see the requests of friends in `openclaw pairing list`."
    ),
    PairingReply.CODE: later(
        "Who is sent a pairing code by text. 'code': everybody who asks, friends too. Quieter:"
        " 'friends-silent', 'silent'."
    ),
    PairingReply.SILENT: later(
        "Who is sent a pairing code by text. 'silent': nobody; you see all requests in"
        " `openclaw pairing list {channel}`. The other words: 'code', 'friends-silent'."
    ),
}
_GROUPS = {
    GroupPolicy.DISABLED: later(
        "Groups. 'disabled': none is answered. Verify direct messages first; then write 'allowlist' with ids"
        " from: openclaw directory groups list {words}"
    ),
    GroupPolicy.ALLOWLIST: later(
        "Groups. 'allowlist': only those below are heard. The other words: 'disabled', 'open' (every group"
        " that the account is in)."
    ),
    GroupPolicy.OPEN: later(
        "Groups. 'open': EVERY group that the account is in, or is ever added to, is heard. Narrower:"
        " 'allowlist' with the groups that you mean."
    ),
}
_DISCLOSURE = {
    Disclosure.FIRST: later(
        "People are told that a program answers, before its first answer to each of them. The other words:"
        " 'prefix' (before each answer), 'off'."
    ),
    Disclosure.PREFIX: later(
        "Each answer says that a program answers. The other words: 'first' (each person once), 'off'."
    ),
    Disclosure.OFF: later(
        "Nobody is told that a program answers. The other words: 'first' (each person once), 'prefix'."
    ),
}
_GROUP_LIST = later(
    "requireMention: only a message that mentions or quotes the account is answered; the others are kept as"
    " context for its next answer. allowFrom: who may speak there."
)
_NO_GROUP = later("No group yet. Ids: openclaw directory groups list {words}")
_GROUP_ALLOW_FROM = later("Who may speak in groups, where a group has no allowFrom of its own.")
_OUTBOUND = {
    OutboundMode.APPROVE: later(
        "What leaves of what the agent writes. 'approve': nothing before you approve it; see"
        " `openclaw drafts list`. Once you trust it: 'auto'. To only listen: 'off'."
    ),
    OutboundMode.AUTO: later(
        "What leaves of what the agent writes. 'auto': everything, at once. More careful: 'approve' (you"
        " approve each reply with `openclaw drafts approve`), 'off' (nothing leaves)."
    ),
    OutboundMode.OFF: later(
        "What leaves of what the agent writes. 'off': nothing; it only reads. The other words: 'approve' (you"
        " approve each reply with `openclaw drafts approve`), 'auto'."
    ),
}
_ACKS = later(
    "'on-reply': messages are marked as seen with the answer, so that your phone keeps its unread marks."
)
_TAKEOVER = later(
    "When you write in a chat by hand, the agent holds back there for so long, and does not answer what comes"
    " meanwhile. 0: it goes on."
)
_AGENT = {
    "echo": later("Who answers. An echo repeats each message: enough for a first try."),
    "endpoint": later("Who answers: a server that speaks OpenAI's chat API."),
    "model": later("Who answers: this model, in the gateway's own process."),
    "acp": later("Who answers: a coding agent on this machine (Agent Client Protocol)."),
    "command": later("Who answers: this program, run once for each turn."),
    "webhook": later("Who answers: a server of yours, asked by signed requests."),
}
_KEY = {
    "env": later("The key is read from the variable {name} of the gateway's environment."),
    "file": later("The key is read from that file, which only you may be able to read."),
}
_LOCALE = later("The language of commands, alarms and what people are told; see docs/languages.md.")
_TIMEZONE = later("Where days begin for budgets and quiet hours, and in which zone times are shown.")
_QUIET = later(
    "Nothing is sent on its own between these hours. 'hold': replies wait for the end; 'drop': they are not"
    " sent."
)
_WARM_UP = later(
    "How fast messages may leave. warmUp: a new session sends 10 replies on its first day, and more every"
    " day, up to the normal limits after a week."
)
_ALERTS = later(
    "How you are told of what waits for you, without names and texts. To try it: openclaw alerts test {words}"
)
_COMMANDS_ON = later(
    "In the chat with yourself you can write /pause, /resume, /approve CODE and /draft 12 ok."
)
_COMMANDS_OFF = later(
    "true: in the chat with yourself you can write /pause, /resume, /approve CODE and /draft 12 ok."
)
_RELOAD = {
    Reload.ASK: later(
        "An edit of this file that narrows access holds at once; one that widens it waits for"
        " `openclaw config apply`, or for the next start of the gateway. With 'auto' both hold at once."
    ),
    Reload.AUTO: later(
        "Edits of this file hold at once, those that widen access, too. With 'ask' these wait for"
        " `openclaw config apply`, or for the next start of the gateway."
    ),
}


def first_file(channel: str, account: str | None, answers: Answers) -> str:
    """The text of a first config. Without an `account` the channel block is the only account."""
    entries = Entries(Style(), answers, channel, words_of(channel, account))
    inner = entries.account(account, account_values(answers))
    if account:
        inner = [*entries.single("enabled", True), "", *entries.block("accounts", inner)]
        inner = entries.block(channel, inner)
    head = [*entries.locale(), *entries.timezone()]
    body = [*head, *([""] if head else []), *entries.block("channels", inner)]
    if answers.agent is not None:
        body += ["", *entries.block("agents", entries.block("defaults", entries.agent()))]
    if answers.reload is not None:
        body += ["", *entries.block("gateway", entries.reload())]
    lines = [*_comment(t(_HEAD)), "{", *entries.indented(body), "}"]
    return "".join(f"{line}\n" for long in lines for line in wrapped_comment(long))


def words_of(channel: str, account: str | None) -> str:
    """What names an account in a command."""
    return f"--channel {channel}" + (f" --account {account}" if account else "")


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
    if answers.outbound is not None:
        found["outbound"] = str(answers.outbound)
        found["acks"] = str(Acks.ON_REPLY)
    if answers.owner_takeover is not None:
        found["ownerTakeover"] = answers.owner_takeover
    if answers.disclosure is not None:
        found["disclosure"] = str(answers.disclosure)
    if answers.quiet_hours:
        found["quietHours"] = span_of(answers.quiet_hours)
    if answers.warm_up is not None:
        found["pacing"] = {"warmUp": answers.warm_up}
    if answers.alerts is not None and answers.alerts.kind != "off":
        found["alerts"] = alert_values(answers.alerts)
    if answers.owner_commands is not None:
        found["ownerCommands"] = answers.owner_commands
    return found


def alert_values(alerts: AlertChoice) -> dict[str, Any]:
    """What stands under `alerts` for a way to tell the owner."""
    if alerts.kind == "webhook":
        secret: Any = f"${{{alerts.secret_env}}}" if alerts.secret_env else {"file": alerts.secret_file}
        return {"webhook": {"url": alerts.url, "secret": secret}}
    if alerts.kind == "command":
        return {"command": list(alerts.command)}
    return {"thread": {"account": alerts.account, "to": alerts.to}}


def agent_values(agent: AgentChoice) -> dict[str, Any]:
    """What stands under `agents.defaults` for an agent."""
    if agent.kind == "model":
        return {"model": agent.model}
    brain: dict[str, Any] = {"kind": agent.kind}
    if agent.kind in ("endpoint", "webhook"):
        brain["url"] = agent.url
        if agent.model:
            brain["model"] = agent.model
        key = "apiKey" if agent.kind == "endpoint" else "secret"
        if agent.key_env:
            brain[key] = f"${{{agent.key_env}}}"
        elif agent.key_file:
            brain[key] = {"file": agent.key_file}
    elif agent.command:
        brain["command"] = list(agent.command)
    return {"brain": brain}


def _group_values(group: GroupChoice) -> dict[str, Any]:
    senders = {} if group.senders is None else {"allowFrom": [one.id for one in group.senders]}
    return {"requireMention": True, **senders}


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries that answers about an account come to, as lines with comments, in the style of a file.

    A comment is one line, however long it is. `words` name the account in a command.
    """

    style: Style
    answers: Answers
    channel: str
    words: str

    def account(self, key: str | None, values: Mapping[str, Any]) -> list[str]:
        """A block with these values: of the account of that name, or of the channel, which is turned on."""
        told = self.settings(values)
        inner = self.single("enabled", True) if key is None else []
        for name, value in values.items():
            lines = told.get(name) or self.single(name, value)
            inner += ["", *lines] if inner and name in told else lines
        return self.block(key or self.channel, inner)

    def settings(self, values: Mapping[str, Any]) -> dict[str, list[str]]:
        """The entry of each answer by its key; an object is written with all its `values`."""
        answers, names = self.answers, {"channel": self.channel, "words": self.words}
        found: dict[str, list[str]] = {}
        if answers.dm_policy is not None:
            found["dmPolicy"] = self._setting(t(_DM[answers.dm_policy], **names), "dmPolicy", values)
        if answers.allow_from is not None:
            whose = _ALLOW_FROM[answers.dm_policy] if answers.dm_policy else _IDS
            told = t(whose) if answers.allow_from else t(_NOBODY, **names)
            found["allowFrom"] = [*_comment(told), *self._people("allowFrom", answers.allow_from)]
        if answers.pairing_reply is not None:
            told = t(_REPLY[answers.pairing_reply], **names)
            found["pairing"] = self._setting(told, "pairing", values)
        if answers.group_policy is not None:
            told = t(_GROUPS[answers.group_policy], **names)
            found["groupPolicy"] = self._setting(told, "groupPolicy", values)
        if answers.group_allow_from is not None:
            people = self._people("groupAllowFrom", answers.group_allow_from)
            found["groupAllowFrom"] = [*_comment(t(_GROUP_ALLOW_FROM)), *people]
        if answers.groups is not None:
            listed = self.block("groups", [line for one in answers.groups for line in self._group(one)])
            told = t(_GROUP_LIST) if answers.groups else t(_NO_GROUP, **names)
            found["groups"] = [*_comment(told), *listed]
        if answers.outbound is not None:
            found["outbound"] = self._setting(t(_OUTBOUND[answers.outbound]), "outbound", values)
            if "acks" in values:
                found["acks"] = self._setting(t(_ACKS), "acks", values)
        if answers.owner_takeover is not None:
            found["ownerTakeover"] = self._setting(t(_TAKEOVER), "ownerTakeover", values)
        if answers.disclosure is not None:
            found["disclosure"] = self._setting(t(_DISCLOSURE[answers.disclosure]), "disclosure", values)
        if answers.quiet_hours:
            found["quietHours"] = self._setting(t(_QUIET), "quietHours", values)
        if answers.warm_up is not None:
            found["pacing"] = self._setting(t(_WARM_UP), "pacing", values)
        if "alerts" in values:
            found["alerts"] = self._setting(t(_ALERTS, **names), "alerts", values)
        if answers.owner_commands is not None:
            told = t(_COMMANDS_ON if answers.owner_commands else _COMMANDS_OFF)
            found["ownerCommands"] = self._setting(told, "ownerCommands", values)
        return found

    def reply(self, reply: str) -> list[str]:
        """The entry of a `pairing` that is there already."""
        told = t(_REPLY[PairingReply(reply)], channel=self.channel)
        return [*_comment(told), *self.single("reply", reply)]

    def agent(self) -> list[str]:
        """The entry under `agents.defaults`."""
        if (agent := self.answers.agent) is None:
            return []
        told = t(_AGENT[agent.kind])
        if agent.key_env or agent.key_file:
            told += "\n" + t(_KEY["env" if agent.key_env else "file"], name=agent.key_env)
        ((key, value),) = agent_values(agent).items()
        if isinstance(value, dict) and len(value) > 1:
            lines = [line for name, one in value.items() for line in self.single(name, one)]
            return [*_comment(told), *self.block(key, lines)]
        return [*_comment(told), *self.single(key, value)]

    def warm_up(self, warm_up: bool) -> list[str]:
        """The entry of a `pacing` that is there already."""
        return [*_comment(t(_WARM_UP)), *self.single("warmUp", warm_up)]

    def locale(self) -> list[str]:
        """The entry of the language, if it is not the one that counts without it."""
        if locale() == ENGLISH:
            return []
        return [*_comment(t(_LOCALE)), *self.single("locale", locale())]

    def timezone(self) -> list[str]:
        """The entry of the whole gateway."""
        if not self.answers.timezone:
            return []
        return [*_comment(t(_TIMEZONE)), *self.single("timezone", self.answers.timezone)]

    def reload(self) -> list[str]:
        """The entry under `gateway`."""
        if (reload := self.answers.reload) is None:
            return []
        return [*_comment(t(_RELOAD[reload])), *self.single("reload", str(reload))]

    def block(self, key: str, lines: Sequence[str]) -> list[str]:
        """An object with these entries."""
        key = self._key(key)
        return [f"{key}: {{", *self.indented(lines), "},"] if lines else [f"{key}: {{}},"]

    def single(self, key: str, value: Any) -> list[str]:
        """A value on one line."""
        return [f"{self._key(key)}: {self._value(value)},"]

    def indented(self, lines: Sequence[str]) -> list[str]:
        return [f"{self.style.unit}{line}" if line else "" for line in lines]

    def _setting(self, comment: str, key: str, values: Mapping[str, Any]) -> list[str]:
        return [*_comment(comment), *self.single(key, values[key])]

    def _group(self, group: GroupChoice) -> list[str]:
        lines = self.single("requireMention", True)
        if group.senders is not None:
            lines += self._people("allowFrom", group.senders)
        return [*_comment(_shown(group.name)), *self.block(group.id, lines)]

    def _people(self, key: str, people: Sequence[Named]) -> list[str]:
        ids = [one.id for one in people]
        if not people or ids == [ANYONE]:
            return self.single(key, ids)
        lines = [
            f"{self._value(one.id)}," + (f" {COMMENT}{_shown(one.name)}" if _shown(one.name) else "")
            for one in people
        ]
        return [f"{self._key(key)}: [", *self.indented(lines), "],"]

    def _key(self, key: str) -> str:
        return self.style.key(key, quoted=self.style.quoted_keys)

    def _value(self, value: Any) -> str:
        return self.style.on_one_line(value)


def _comment(text: str) -> list[str]:
    return [f"{COMMENT}{line}" for line in text.splitlines()]


def _shown(name: str) -> str:
    """A name that somebody else chose, so that it can neither end its comment nor hide something in it."""
    kept = "".join(one for one in name if one.isspace() or unicodedata.category(one)[0] != "C")
    kept = " ".join(kept.split())
    return kept if len(kept) <= _LONGEST_NAME else f"{kept[: _LONGEST_NAME - 1]}…"
