"""The questions of a setup, as data: the flag of each, what is proposed, and how it is asked and answered."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from clawlane.cli.failure import CliError
from clawlane.cli.prompts import Option, Prompts, tell
from clawlane.cli.setup_people import People
from clawlane.config.choices import DmPolicy, GroupPolicy, PairingReply
from clawlane.ops.setup import Situation
from clawlane.ops.setup_answers import AgentChoice, Answers, Reload

AGENTS = ("echo", "endpoint", "model", "acp", "command")


@dataclass(frozen=True, slots=True)
class Given:
    """The flags of the command line; empty or None for those that were not given."""

    accept_risk: bool = False
    expendable: str | None = None
    dm_policy: str | None = None
    allow_from: tuple[str, ...] = ()
    pairing_reply: str | None = None
    group_policy: str | None = None
    group: tuple[str, ...] = ()
    group_allow_from: tuple[str, ...] = ()
    agent: str | None = None
    agent_url: str = ""
    agent_model: str = ""
    agent_key_env: str = ""
    agent_key_file: str = ""
    agent_command: str = ""
    reload: str | None = None
    yes: bool = False
    login: bool = True
    verify: bool = True


@dataclass
class Interview:
    """What questions are asked about, and the answers so far. Without `prompts` nobody can be asked."""

    look: Situation
    given: Given
    people: People
    prompts: Prompts | None
    answers: Answers

    def said(self, question: str) -> str:
        """The word that holds for a question: the answer, else what the file says."""
        answer = getattr(self.answers, question)
        if answer is not None:
            return str(answer)
        return next((one.value for one in self.look.settings if one.question == question), "")

    @property
    def asked(self) -> Prompts:
        assert self.prompts is not None
        return self.prompts


@dataclass(frozen=True, slots=True)
class Question:
    """One question, named by its field of `Answers`.

    `flag` answers it on a command line. `wanted` is false where earlier answers make it pointless. `read`
    turns the flags into the answer, None if they were not given. `proposed` is what `--yes` takes; None if
    the operator has to say it. A question that is `optional` takes it without `--yes`, too, where nobody can be asked.
    """

    name: str
    flag: str
    ask: Callable[[Interview], Any]
    read: Callable[[Interview], Any]
    proposed: Any = None
    wanted: Callable[[Interview], bool] = lambda _interview: True
    optional: bool = False


def open_questions(interview: Interview) -> Iterator[Question]:
    """The questions that neither an answer nor the file settles, each at its time."""
    settled = {one.question for one in interview.look.settings}
    for one in QUESTIONS:
        if one.name in settled or getattr(interview.answers, one.name) is not None:
            continue
        if one.wanted(interview):
            yield one


def missing_flags(interview: Interview) -> list[str]:
    """The flags without which the questions cannot be answered where nobody can be asked."""
    from_now = replace(interview, answers=interview.answers)
    found: list[str] = []
    for one in open_questions(from_now):
        words = _words_given(one, interview.given)
        if words is None and one.proposed is not None and (one.optional or interview.given.yes):
            words = one.proposed
        if words is None:
            found.append(one.flag)
        elif one.name in _DECIDING:
            from_now.answers = replace(from_now.answers, **{one.name: words})
    return found


def _words_given(question: Question, given: Given) -> Any:
    """What was given for a question, before names are looked up; None for nothing."""
    key = {"groups": "group"}.get(question.name, question.name)
    return getattr(given, key) or None


_DECIDING = ("dm_policy", "group_policy")
"""Questions on whose answer it depends which others are asked."""


def _choose(interview: Interview, text: str, options: tuple[Option, ...], proposed: str) -> str:
    return interview.asked.choose(text, options, proposed)


_DM = (
    Option(DmPolicy.PAIRING, "pairing", "Somebody new gets no answer, but a request that you approve or not."),
    Option(DmPolicy.ALLOWLIST, "allowlist", "Only the people that you name are answered."),
    Option(DmPolicy.DISABLED, "disabled", "No direct message is answered."),
    Option(DmPolicy.OPEN, "open", "EVERYBODY who finds the account is answered. Not for a personal account."),
)
_OPEN_DM = (
    "Everybody who finds this account could then talk to your agent, at your cost and in your name. The audit"
    " reports it as critical."
)
_OPEN_GROUPS = (
    "Every group that the account is in, or that somebody adds it to, could then talk to your agent. The audit"
    " reports it as critical."
)


def _dm_policy(interview: Interview) -> DmPolicy:
    while True:
        chosen = _choose(interview, "Who may write to the account directly?", _DM, DmPolicy.PAIRING)
        if chosen != DmPolicy.OPEN or _confirmed(interview, _OPEN_DM):
            return DmPolicy(chosen)


def _confirmed(interview: Interview, warning: str) -> bool:
    tell(warning)
    return interview.asked.confirm("Is that what you want?", None)


def _read_open(interview: Interview, word: str | None, kind: Callable[[str], Any]) -> Any:
    """A policy from its flag; `open` alone is not enough."""
    if word is None:
        return None
    if word == "open" and not interview.given.yes:
        warning = _OPEN_DM if kind is DmPolicy else _OPEN_GROUPS
        if interview.prompts is None:
            raise CliError(f"'open' has to be confirmed. {warning}", "add --yes if that is meant")
        if not _confirmed(interview, warning):
            raise CliError("the policy 'open' was not confirmed, so nothing was written")
    return kind(word)


_REPLY = (
    Option(
        PairingReply.FRIENDS_SILENT,
        "friends-silent",
        "Strangers get the code. Friends get nothing; you see their requests in `pairing list`.",
    ),
    Option(PairingReply.CODE, "code", "Everybody who asks gets the code, friends too."),
    Option(PairingReply.SILENT, "silent", "Nobody gets a text; you see all requests in `pairing list`."),
)


def _pairing_reply(interview: Interview) -> PairingReply:
    tell("Texts of a bot to your friends are what people complain about most, so friends are spared.")
    text = "Who is sent the pairing code as a text?"
    return PairingReply(_choose(interview, text, _REPLY, PairingReply.FRIENDS_SILENT))


def _allow_from(interview: Interview) -> Any:
    if interview.said("dm_policy") == DmPolicy.PAIRING:
        return interview.people.pick_friends("Friends to admit without a request (may be none):")
    while True:
        chosen = interview.people.pick_friends("Who is answered?")
        if chosen or interview.asked.confirm("Nobody: then nobody is answered. Go on?", False):
            return chosen


_GROUPS = (
    Option(GroupPolicy.DISABLED, "disabled", "No group is answered, until direct messages are verified."),
    Option(GroupPolicy.ALLOWLIST, "allowlist", "Only the groups that you pick, when the account is mentioned."),
    Option(GroupPolicy.OPEN, "open", "EVERY group that the account is in or is added to."),
)


def _group_policy(interview: Interview) -> GroupPolicy:
    while True:
        chosen = _choose(interview, "In which groups does the lane listen?", _GROUPS, GroupPolicy.DISABLED)
        if chosen != GroupPolicy.OPEN or _confirmed(interview, _OPEN_GROUPS):
            return GroupPolicy(chosen)


_AGENT = (
    Option("echo", "an echo", "Repeats each message. Enough to try the lane; change it later."),
    Option("endpoint", "an endpoint", "A server that speaks OpenAI's chat API: Ollama, vLLM, n8n, OpenClaw …"),
    Option("model", "a model", "provider/model, such as anthropic/…, in the gateway (needs clawlane[agent])."),
    Option("acp", "a coding agent", "A program that speaks the Agent Client Protocol."),
    Option("command", "a program", "Run once for each message: JSON in, the reply out."),
)


def _agent(interview: Interview) -> AgentChoice:
    kind = _choose(interview, "Who answers?", _AGENT, "echo")
    ask = interview.asked.text
    match kind:
        case "endpoint":
            url = ask("Address of the API:", "http://127.0.0.1:11434/v1", _wrong_url)
            model = ask("Name of the model there (empty if it has one only):")
            return replace(_key(interview), kind=kind, url=url, model=model)
        case "model":
            return AgentChoice(kind, model=ask("Model as provider/model:", "", _wrong_model))
        case "acp" | "command":
            line = ask("Command line of the program:", "", _wrong_command)
            return AgentChoice(kind, command=tuple(shlex.split(line)))
    return AgentChoice(kind)


_KEYS = (
    Option("none", "no key", "The server asks for none, as on this machine."),
    Option("env", "a variable", "Its name goes into the config; the gateway needs it in its environment."),
    Option("file", "a private file", "Its path goes into the config; only you may be able to read it."),
)


def _key(interview: Interview) -> AgentChoice:
    match _choose(interview, "Where is the key of the API?", _KEYS, "none"):
        case "env":
            return AgentChoice(key_env=interview.asked.text("Name of the variable:", "AGENT_KEY", _wrong_variable))
        case "file":
            return AgentChoice(key_file=interview.asked.text("Path of the file:", "", _wrong_key_file))
    return AgentChoice()


_RELOAD = (
    Option(Reload.ASK, "ask", "What narrows access holds at once; what widens it waits for `config apply`."),
    Option(Reload.AUTO, "auto", "Every valid edit holds within a second."),
)


def _reload(interview: Interview) -> Reload:
    return Reload(_choose(interview, "When does an edit of the config hold?", _RELOAD, Reload.ASK))


def read_agent(given: Given) -> AgentChoice | None:
    """The agent that the flags describe. Raises `CliError` for what does not go together."""
    kind = given.agent
    details = {
        "--agent-url": given.agent_url,
        "--agent-model": given.agent_model,
        "--agent-key-env": given.agent_key_env,
        "--agent-key-file": given.agent_key_file,
        "--agent-command": given.agent_command,
    }
    used = {name for name, value in details.items() if value}
    if kind is None:
        if used:
            raise CliError(f"{', '.join(sorted(used))} without --agent", f"add --agent {'|'.join(AGENTS)}")
        return None
    needs, may = _DETAILS[kind]
    if lacking := [name for name in needs if name not in used]:
        raise CliError(f"--agent {kind} needs {' and '.join(lacking)}")
    if odd := used - {*needs, *may}:
        raise CliError(f"{', '.join(sorted(odd))} does not go with --agent {kind}")
    if given.agent_key_env and given.agent_key_file:
        raise CliError("a key is in a variable or in a file, not in both", "leave one of them out")
    checks = {
        "--agent-url": _wrong_url,
        "--agent-model": _wrong_model if kind == "model" else lambda _: "",
        "--agent-key-env": _wrong_variable,
        "--agent-key-file": _wrong_key_file,
        "--agent-command": _wrong_command,
    }
    for name in sorted(used):
        if wrong := checks[name](details[name]):
            raise CliError(f"{name}: {wrong}")
    key = (given.agent_key_env, given.agent_key_file)
    return AgentChoice(kind, given.agent_url, given.agent_model, *key, tuple(shlex.split(given.agent_command)))


_DETAILS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "echo": ((), ()),
    "endpoint": (("--agent-url",), ("--agent-model", "--agent-key-env", "--agent-key-file")),
    "model": (("--agent-model",), ()),
    "acp": (("--agent-command",), ()),
    "command": (("--agent-command",), ()),
}
"""What each kind of agent needs, and what it may have besides."""


def _wrong_url(typed: str) -> str:
    from clawlane.config.agents import http_url

    try:
        http_url(typed)
    except ValueError as error:
        return f"an address {error}"
    return ""


def _wrong_model(typed: str) -> str:
    provider, slash, model = typed.partition("/")
    return "" if provider and slash and model else "write it as provider/model"


def _wrong_variable(typed: str) -> str:
    named = typed.isascii() and typed.isidentifier()
    return "" if named else "that is no name of a variable: the key itself must not be written here"


def _wrong_key_file(typed: str) -> str:
    from clawlane.config.secrets import Secret, SecretMissing

    try:
        Secret(file=typed).read({})
    except SecretMissing as error:
        return str(error)
    return ""


def _wrong_command(typed: str) -> str:
    try:
        words = shlex.split(typed)
    except ValueError as error:
        return f"the command line cannot be read: {error}"
    return "" if words else "write the program and its arguments"


QUESTIONS = (
    Question(
        "dm_policy",
        "--dm-policy pairing|allowlist|open|disabled",
        _dm_policy,
        lambda one: _read_open(one, one.given.dm_policy, DmPolicy),
        DmPolicy.PAIRING,
    ),
    Question(
        "allow_from",
        "--allow-from ID|NAME",
        _allow_from,
        lambda one: one.people.senders(one.given.allow_from, anyone=False) if one.given.allow_from else None,
        wanted=lambda one: one.said("dm_policy") == DmPolicy.ALLOWLIST,
    ),
    Question(
        "allow_from",
        "--allow-from ID|NAME",
        _allow_from,
        lambda one: one.people.senders(one.given.allow_from, anyone=False) if one.given.allow_from else None,
        (),
        wanted=lambda one: one.said("dm_policy") == DmPolicy.PAIRING,
        optional=True,
    ),
    Question(
        "pairing_reply",
        "--pairing-reply friends-silent|code|silent",
        _pairing_reply,
        lambda one: PairingReply(one.given.pairing_reply) if one.given.pairing_reply else None,
        PairingReply.FRIENDS_SILENT,
        wanted=lambda one: one.said("dm_policy") == DmPolicy.PAIRING,
    ),
    Question(
        "group_policy",
        "--group-policy disabled|allowlist|open",
        _group_policy,
        lambda one: _read_open(one, one.given.group_policy, GroupPolicy),
        GroupPolicy.DISABLED,
    ),
    Question(
        "group_allow_from",
        "--group-allow-from ID|NAME|'*'",
        lambda _one: None,
        lambda one: (
            one.people.senders(one.given.group_allow_from, anyone=True) if one.given.group_allow_from else None
        ),
        wanted=lambda one: one.said("group_policy") == GroupPolicy.ALLOWLIST,
    ),
    Question(
        "groups",
        "--group ID|NAME",
        lambda one: one.people.pick_groups("Groups in which the lane listens:"),
        lambda one: one.people.groups(one.given.group) if one.given.group else None,
        wanted=lambda one: one.said("group_policy") == GroupPolicy.ALLOWLIST,
    ),
    Question(
        "agent",
        f"--agent {'|'.join(AGENTS)}",
        _agent,
        lambda one: read_agent(one.given),
        AgentChoice(),
    ),
    Question(
        "reload",
        "--reload ask|auto",
        _reload,
        lambda one: Reload(one.given.reload) if one.given.reload else None,
        Reload.ASK,
    ),
)
