"""One setup as a conversation: the flags, the answers so far, and what a question is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clawlane.cli.prompts import Prompts
from clawlane.cli.setup_agent import AgentFlags
from clawlane.cli.setup_alerts import AlertFlags
from clawlane.cli.setup_people import People
from clawlane.ops.setup import Situation
from clawlane.ops.setup_answers import Answers


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
    outbound: str | None = None
    owner_takeover: str | None = None
    agent: AgentFlags = field(default_factory=AgentFlags)
    reload: str | None = None
    disclosure: str | None = None
    timezone: str | None = None
    quiet_hours: str | None = None
    alerts: AlertFlags = field(default_factory=AlertFlags)
    owner_commands: str | None = None
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
    `proposed` is what `--yes` takes, or a function that finds it; None if the operator has to say it. An
    `optional` question takes it without `--yes`, too, where nobody can be asked. `wanted` is false where
    other answers make it pointless.
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

    @property
    def proposal(self) -> Any:
        """What `--yes` takes; None if the operator has to say it."""
        return self.proposed() if callable(self.proposed) else self.proposed
