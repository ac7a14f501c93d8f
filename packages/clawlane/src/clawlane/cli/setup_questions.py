"""The questions of a setup, as data: the flag of each, what is proposed, and how it is asked and answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from clawlane.cli.failure import CliError
from clawlane.cli.login import FLAG
from clawlane.cli.prompt_options import Option
from clawlane.cli.prompts import Prompts, tell
from clawlane.cli.setup_agent import AGENTS, AgentFlags, ask_agent, read_agent
from clawlane.cli.setup_people import People
from clawlane.config.choices import DmPolicy, GroupPolicy, PairingReply
from clawlane.ops.setup import Situation
from clawlane.ops.setup_answers import AgentChoice, Answers, Reload

OPEN = "open"


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
    agent: AgentFlags = field(default_factory=AgentFlags)
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
    """One question, named by its field of `Answers`; the first of a subject has its `title`.

    `given` are the flags that answer it, `flag` says how they are written. `read` turns them into the answer.
    `proposed` is what `--yes` takes; None if the operator has to say it. An `optional` question takes it
    without `--yes`, too, where nobody can be asked. `wanted` is false where other answers make it pointless.
    """

    name: str
    flag: str
    given: Callable[[Given], Any]
    ask: Callable[[Interview], Any]
    read: Callable[[Interview], Any]
    proposed: Any = None
    wanted: Callable[[Interview], bool] = lambda _interview: True
    optional: bool = False
    title: str = ""


def open_questions(interview: Interview) -> Iterator[Question]:
    """The questions that neither an answer nor the file settles, each at its time."""
    settled = {one.question for one in interview.look.settings}
    for one in QUESTIONS:
        if one.name not in settled and getattr(interview.answers, one.name) is None and one.wanted(interview):
            yield one


def check_given(interview: Interview) -> None:
    """Refuse at once what cannot work out, before anything is done. Raises `CliError`."""
    given = interview.given
    read_agent(given.agent)
    for one in interview.look.settings:
        if any(question.given(given) for question in QUESTIONS if question.name == one.question):
            change = f"openclaw config set {one.path} VALUE"
            raise CliError(f"{one.path} is set already, in line {one.line}", change)
    interview.people.refuse_at_once(given.allow_from, anyone=False)
    interview.people.refuse_at_once(given.group_allow_from, anyone=True)
    if interview.prompts is None:
        _check_alone(interview)


def _check_alone(interview: Interview) -> None:
    """Whether the flags say everything where nobody can be asked."""
    given = interview.given
    lacking: list[str] = []
    if not interview.look.accepted:
        lacking += [] if given.accept_risk else [FLAG]
        lacking += [] if given.expendable else ["--expendable yes|no"]
    ahead, foreseen = replace(interview), set()
    for one in open_questions(ahead):
        foreseen.add(one.name)
        said = one.given(given) or (one.proposed if one.optional or given.yes else None)
        if said is None:
            lacking.append(one.flag)
        elif one.name in _POLICIES:
            _refuse_open(str(said), given, _POLICIES[one.name])
            ahead.answers = replace(ahead.answers, **{one.name: said})
    if lacking:
        rest = "" if given.yes else "; --yes takes the proposals where there are some"
        raise CliError(
            f"without a terminal the answers have to be flags; missing: {', '.join(lacking)}",
            f"see: openclaw onboard --help{rest}",
        )
    for one in QUESTIONS:
        if one.given(given) and one.name not in foreseen:
            raise CliError(f"{one.flag.split()[0]} does not go with the policy that was chosen")


def _refuse_open(word: str, given: Given, warning: str) -> None:
    if word == OPEN and not given.yes:
        raise CliError(f"'open' has to be confirmed. {warning}", "add --yes if that is meant")


_DM = (
    Option(DmPolicy.PAIRING, "pairing", "Somebody new gets a request, which you approve or not."),
    Option(DmPolicy.ALLOWLIST, "allowlist", "Only the people that you name are answered."),
    Option(DmPolicy.DISABLED, "disabled", "No direct message is answered."),
    Option(DmPolicy.OPEN, "open", "EVERYBODY who finds the account is answered."),
)
_OPEN_DM = (
    "Everybody who finds this account could then talk to your agent, at your cost and in your name. The audit"
    " reports it as critical."
)
_OPEN_GROUPS = (
    "Every group that the account is in, or that somebody adds it to, could then talk to your agent. The"
    " audit reports it as critical."
)


def _dm_policy(interview: Interview) -> DmPolicy:
    while True:
        chosen = interview.asked.choose("Who may write to the account directly?", _DM, DmPolicy.PAIRING)
        if chosen != DmPolicy.OPEN or _confirmed(interview, _OPEN_DM):
            return DmPolicy(chosen)


def _confirmed(interview: Interview, warning: str) -> bool:
    tell(warning)
    return interview.asked.confirm("Is that what you want?", None)


def _policy(interview: Interview, word: str, warning: str) -> str:
    """A policy from its flag; `open` has to be confirmed."""
    asks = word == OPEN and not interview.given.yes and interview.prompts is not None
    if asks and not _confirmed(interview, warning):
        raise CliError("the policy 'open' was not confirmed, so nothing was written")
    return word


_REPLY = (
    Option(
        PairingReply.FRIENDS_SILENT,
        "friends-silent",
        "Strangers get it. Requests of friends you see in pairing list.",
    ),
    Option(PairingReply.CODE, "code", "Everybody who asks gets it, friends too."),
    Option(PairingReply.SILENT, "silent", "Nobody gets it; you see all requests in pairing list."),
)


def _pairing_reply(interview: Interview) -> PairingReply:
    tell("Texts of a bot to your friends are what people complain about most, so friends are spared.")
    text = "Who is sent the pairing code as a text?"
    return PairingReply(interview.asked.choose(text, _REPLY, PairingReply.FRIENDS_SILENT))


def _allow_from(interview: Interview) -> Any:
    if interview.said("dm_policy") == DmPolicy.PAIRING:
        return interview.people.pick_friends("Friends to admit without a request (may be none):")
    while True:
        chosen = interview.people.pick_friends("Who is answered?")
        if chosen or interview.asked.confirm("Nobody: then nobody is answered. Go on?", False):
            return chosen


_GROUPS = (
    Option(GroupPolicy.DISABLED, "disabled", "No group is answered, until direct messages are verified."),
    Option(GroupPolicy.ALLOWLIST, "allowlist", "Only the groups that you pick, where it is mentioned."),
    Option(GroupPolicy.OPEN, "open", "EVERY group that the account is in or is added to."),
)


def _group_policy(interview: Interview) -> GroupPolicy:
    while True:
        chosen = interview.asked.choose(
            "In which groups does the lane listen?", _GROUPS, GroupPolicy.DISABLED
        )
        if chosen != GroupPolicy.OPEN or _confirmed(interview, _OPEN_GROUPS):
            return GroupPolicy(chosen)


_RELOAD = (
    Option(Reload.ASK, "ask", "What widens access waits for `openclaw config apply`."),
    Option(Reload.AUTO, "auto", "Every valid edit holds within a second."),
)


def _reload(interview: Interview) -> Reload:
    return Reload(interview.asked.choose("When does an edit of the config hold?", _RELOAD, Reload.ASK))


def _senders(interview: Interview, entries: tuple[str, ...], *, anyone: bool) -> Any:
    return interview.people.senders(entries, anyone=anyone)


_POLICIES = {"dm_policy": _OPEN_DM, "group_policy": _OPEN_GROUPS}
"""Questions on whose answer it depends which others are asked, each with the warning about `open`."""

QUESTIONS = (
    Question(
        "dm_policy",
        "--dm-policy pairing|allowlist|open|disabled",
        lambda given: given.dm_policy,
        _dm_policy,
        lambda one: DmPolicy(_policy(one, str(one.given.dm_policy), _OPEN_DM)),
        DmPolicy.PAIRING,
        title="Direct messages",
    ),
    Question(
        "allow_from",
        "--allow-from ID|NAME",
        lambda given: given.allow_from,
        _allow_from,
        lambda one: _senders(one, one.given.allow_from, anyone=False),
        wanted=lambda one: one.said("dm_policy") == DmPolicy.ALLOWLIST,
    ),
    Question(
        "allow_from",
        "--allow-from ID|NAME",
        lambda given: given.allow_from,
        _allow_from,
        lambda one: _senders(one, one.given.allow_from, anyone=False),
        (),
        wanted=lambda one: one.said("dm_policy") == DmPolicy.PAIRING,
        optional=True,
    ),
    Question(
        "pairing_reply",
        "--pairing-reply friends-silent|code|silent",
        lambda given: given.pairing_reply,
        _pairing_reply,
        lambda one: PairingReply(str(one.given.pairing_reply)),
        PairingReply.FRIENDS_SILENT,
        wanted=lambda one: one.said("dm_policy") == DmPolicy.PAIRING,
    ),
    Question(
        "group_policy",
        "--group-policy disabled|allowlist|open",
        lambda given: given.group_policy,
        _group_policy,
        lambda one: GroupPolicy(_policy(one, str(one.given.group_policy), _OPEN_GROUPS)),
        GroupPolicy.DISABLED,
        title="Groups",
    ),
    Question(
        "group_allow_from",
        "--group-allow-from ID|NAME|'*'",
        lambda given: given.group_allow_from,
        lambda _one: None,  # asked for each group
        lambda one: _senders(one, one.given.group_allow_from, anyone=True),
        wanted=lambda one: one.said("group_policy") == GroupPolicy.ALLOWLIST,
    ),
    Question(
        "groups",
        "--group ID|NAME",
        lambda given: given.group,
        lambda one: one.people.pick_groups(
            "Groups in which the lane listens:", speakers=one.answers.group_allow_from is None
        ),
        lambda one: one.people.groups(one.given.group),
        wanted=lambda one: one.said("group_policy") == GroupPolicy.ALLOWLIST,
    ),
    Question(
        "agent",
        f"--agent {'|'.join(AGENTS)}",
        lambda given: given.agent.kind,
        lambda one: ask_agent(one.asked),
        lambda one: read_agent(one.given.agent),
        AgentChoice(),
        title="Agent",
    ),
    Question(
        "reload",
        "--reload ask|auto",
        lambda given: given.reload,
        _reload,
        lambda one: Reload(str(one.given.reload)),
        Reload.ASK,
        title="Edits of the config",
    ),
)
