"""A setup from the risk to the first check, in the order in which a lane is best taken into use.

What was done stays done when it is stopped: the login, the consent, and the answers so far as a draft.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import click

from clawlane.cli.failure import CliError, explain
from clawlane.cli.failure import tell as tell_failure
from clawlane.cli.login import FLAG, JsonView, View, ask_expendable, ask_risk, link, risk_lines
from clawlane.cli.options import UNOFFICIAL
from clawlane.cli.output import echo_wrapped, printable, sanitize
from clawlane.cli.prompts import Prompts
from clawlane.cli.setup_end import Done, finish
from clawlane.cli.setup_interview import Given, Interview, Question
from clawlane.cli.setup_people import People
from clawlane.cli.setup_questions import QUESTIONS, check_given, open_questions, pruned
from clawlane.clock import length, now_ms
from clawlane.ops import finding_text
from clawlane.ops.accounts import FindAccount
from clawlane.ops.agents import Ask
from clawlane.ops.client import Client, ControlError
from clawlane.ops.context import account_words
from clawlane.ops.login import NOT_ASKED, Accept, ConsentNeeded
from clawlane.ops.operation import OpError
from clawlane.ops.plugins import Install, Installed, Switch, Switched
from clawlane.ops.setup import Look, Proposal, Propose, Write, Written
from clawlane.ops.setup_answers import AgentChoice, Answers, GroupChoice, Named
from clawlane.ops.setup_draft import Drafted, DropDraft, KeepDraft

_TRIAL = "Hello, who are you?"
_WITHOUT_LOGIN = "Without a login the directory cannot be read: type ids instead of names."


class Walk:
    """One setup. Without `prompts` nobody can be asked, and the flags have to say everything."""

    def __init__(
        self,
        channel: str | None,
        account: str | None,
        given: Given,
        prompts: Prompts | None,
        *,
        as_json: bool,
    ) -> None:
        self._name, self._given, self._prompts, self._as_json = account, given, prompts, as_json
        self._file = Client()
        self.look = self._file.run_here(Look(channel, account))
        self._interview = self._begun(Answers())

    def run(self) -> int:
        """The whole setup, as far as it goes. Raises `KeyboardInterrupt` where it is stopped."""
        check_given(self._interview)
        self._greet()
        self._install()
        self._accept()
        self._resume()
        self._log_in()
        self._ask_all()
        proposal = self._propose()
        written = self._write(proposal)
        self._file.run_here(DropDraft(self.look.channel, self.look.account))
        done = Done(self.look, proposal, written)
        try:
            return finish(self._file, done, self._given, self._prompts, as_json=self._as_json)
        except KeyboardInterrupt:
            click.echo(f"\nThe setup is done. Check the lane later: openclaw verify {self.look.words}")
            return 0

    def _begun(self, answers: Answers) -> Interview:
        people = People(self._client(), self.look, bool(self.look.user_id), self._prompts)
        return Interview(self.look, self._given, people, self._prompts, answers)

    def _client(self) -> Client:
        """For what is about the account: by the gateway, unless the config does not have the account yet."""
        if self.look.configured or self.look.spec:
            return self._file
        return self._file.planning(self.look.channel, self._name, Answers())

    def _look_again(self) -> None:
        self.look = self._file.run_here(Look(self.look.channel, self._name))
        self._interview = self._begun(self._interview.answers)

    def _say(self, text: str) -> None:
        if not self._as_json:
            echo_wrapped(text)

    def _head(self, title: str) -> None:
        if not self._as_json:
            click.echo(f"\n-- {title} --")

    def _greet(self) -> None:
        look = self.look
        self._say(f"Setting up {look.label} ({look.channel}), account '{look.account}'.")
        self._say(f"The config is {look.config_file}.")
        for one in look.settings:
            self._say(f"Already set in line {one.line}: {one.text} ({one.path})")
        if self._prompts is not None:
            self._say("Ctrl-C stops at any question; the same command continues there.")

    def _install(self) -> None:
        spec, channel = self.look.spec, self.look.channel
        if not spec:
            return
        self._head("Plugin")
        if self._prompts is not None and not self._given.yes:
            state, question, command = (
                ("disabled", "Switch it on again?", f"enable {channel}")
                if self.look.disabled
                else ("not installed", f"Install {spec}? Nothing is downloaded.", f"install {spec}")
            )
            self._say(f"The channel is a plugin, and it is {state}. You see its risk next.")
            if not self._prompts.confirm(question, True):
                raise CliError(
                    "nothing was done: the channel needs its plugin", f"openclaw plugins {command}"
                )
        done: Switched | Installed
        if self.look.disabled:
            done = self._file.run_here(Switch(channel, enabled=True))
            self._say(f"Enabled: the plugin of {channel}. Its channel is still off.")
        else:
            done = self._file.run_here(Install(spec))
            self._say(f"Installed: {done.id}, {done.name} {done.version} ({UNOFFICIAL}). It is still off.")
        if done.restart_needed:
            self._say("A gateway is running; to load the plugin there: openclaw gateway restart")
        self._file = Client()
        self._look_again()

    def _accept(self) -> None:
        look = self.look
        if look.risk is None:
            return
        expendable = look.consent.expendable if look.consent else ""
        accepted = look.accepted and not (look.consent and look.consent.others == NOT_ASKED)
        unsure = expendable == NOT_ASKED and (self._prompts is not None or self._given.expendable)
        if accepted and not unsure:
            self._say(f"The risk was accepted for this account before; expendable: {expendable}.")
            return
        risk = look.risk
        lines = () if look.accepted and not unsure else risk.lines
        needed = ConsentNeeded(
            risk.title, lines, risk.alternative, look.account, look.profile, "", look.others_risk
        )
        self._head("Risk")
        if not self._as_json:
            for line in risk_lines(needed):
                click.echo(line)
        self._client().call(Accept(look.channel, look.account, *self._accepted(needed), others=True))
        self._look_again()

    def _accepted(self, needed: ConsentNeeded) -> tuple[str, str]:
        """How the risk is accepted, and whether the account is expendable. Raises `CliError` on a no."""
        said = self._given.expendable
        if self._given.accept_risk:
            known = self._prompts is None or not needed.lines
            return FLAG, said or (NOT_ASKED if known else ask_expendable())
        if self._prompts is None:
            raise CliError("the risk has to be accepted first", f"add {FLAG}")
        return "terminal", ask_risk(needed, said)

    def _resume(self) -> None:
        """Take the answers of a setup that was stopped, if the operator wants to."""
        draft = self._file.run_here(Drafted(self.look.channel, self.look.account))
        if draft is None or self._prompts is None:
            return
        settled = {one.question for one in self.look.settings}
        settled |= {one.name for one in QUESTIONS if one.given(self._given)}
        names = [one.name for one in fields(Answers) if one.name not in settled]
        kept = {name: answer for name in names if (answer := getattr(draft.answers, name)) is not None}
        if not kept:
            return
        self._head("Where you stopped")
        for name, answer in kept.items():
            self._say(f"{name.replace('_', ' ')}: {_shown(answer)}")
        self._say(f"You answered this {length(max(0, now_ms() - draft.at_ms))} ago.")
        if self._prompts.confirm("Continue where you stopped?", True):
            self._interview.answers = replace(Answers(), **kept)
        else:
            self._file.run_here(DropDraft(self.look.channel, self.look.account))

    def _log_in(self) -> None:
        look = self.look
        if not self._given.login:
            return
        self._head("Login")
        asks = self._prompts is not None and not look.user_id and not self._given.yes
        if asks and self._prompts is not None:
            self._say("Next, scan a QR code with the phone of the account.")
            if not self._prompts.confirm("Log in now?", True):
                self._say(_WITHOUT_LOGIN)
                return
        while not self._linked():
            pass
        self._look_again()

    def _linked(self) -> bool:
        """Link the account. False to try again; with nobody to ask, a login that fails is raised."""
        client = self._client()
        found = client.call(FindAccount(self.look.channel, self.look.account))
        try:
            link(client, found, JsonView if self._as_json else View, self._accepted)
        except (OpError, ControlError) as error:
            if self._prompts is None:
                raise
            tell_failure(explain(error), as_json=False)
            if self._prompts.confirm("Try again?", True):
                return False
            self._say(_WITHOUT_LOGIN)
        return True

    def _ask_all(self) -> None:
        for question in open_questions(self._interview):
            self._answer(question)
        while not self._agent_suits():
            self._interview.answers = replace(self._interview.answers, agent=None)
            for question in open_questions(self._interview):
                self._answer(question)

    def _answer(self, question: Question) -> None:
        """Take the answer of the flags, or ask; and keep the answers so far."""
        interview = self._interview
        answer: Any = question.read(interview) if question.given(self._given) else None
        if answer is None and (self._given.yes or self._prompts is None):
            answer = question.proposal
        if answer is None and self._prompts is not None:
            if question.title:
                self._head(question.title)
            answer = question.ask(interview)
        if answer is None:
            return
        interview.answers = replace(interview.answers, **{question.name: answer})
        if self._prompts is not None:
            self._file.run_here(KeepDraft(self.look.channel, self.look.account, interview.answers))

    def _agent_suits(self) -> bool:
        """Ask the agent one question, if the operator wants to. False if another one is to be chosen."""
        agent = self._interview.answers.agent
        if self._prompts is None or self._given.yes or agent is None or agent.kind == "echo":
            return True
        if not self._prompts.confirm("Ask the agent one question now?", True):
            return True
        text = self._prompts.text("Question:", _TRIAL)
        planned = self._file.planning(self.look.channel, self._name, Answers(agent=agent))
        try:
            told = planned.run_here(Ask(text))
        except Exception as error:
            tell_failure(explain(error), as_json=False)
            return self._prompts.confirm("Keep this agent although it did not answer?", False)
        self._say(f"It answered in {told.took_ms / 1000:.1f} s:")
        click.echo("  " + (printable(told.text).replace("\n", "\n  ") or "(silent)"))
        return True

    def _propose(self) -> Proposal:
        self._interview.answers = pruned(self._interview)
        proposal = self._file.run_here(Propose(self.look.channel, self._name, self._interview.answers))
        if proposal.problems:
            raise CliError(f"these answers make no valid config: {proposal.problems[0]}", self._again)
        return proposal

    def _tell_hosts(self, proposal: Proposal) -> None:
        """Say where words of others will go, if that is elsewhere than when the risk was accepted."""
        look = self.look
        if look.risk is None or self._as_json or proposal.others_risk == look.others_risk:
            return
        asked = (look.risk.title, (), "", look.account, look.profile, "", proposal.others_risk)
        for line in risk_lines(ConsentNeeded(*asked)):
            click.echo(line)

    def _write(self, proposal: Proposal) -> Written | None:
        """Show what would be written, and write it once that is confirmed. None where nothing is missing."""
        if self.look.file_exists and not proposal.diff:
            self._say("The config already says all of this; nothing is written.")
            return None
        self._head("Config")
        if not self._as_json:
            lines = proposal.diff or proposal.text.splitlines()
            click.echo("".join(f"  {line}".rstrip() + "\n" for line in lines))
        if named := proposal.account_named:
            self._say(f"The existing account is now called '{named}'; its settings are unchanged.")
        if pinned := proposal.default_pinned:
            self._say(f"'{pinned}' stays the default account.")
        for warning in proposal.warnings:
            self._say(f"warning: {warning}")
        for one in proposal.findings:
            self._say(f"{one.severity}: {finding_text.one_line(one)}")
        self._tell_hosts(proposal)
        if self._prompts is not None and not self._given.yes:
            verb = "Change" if self.look.file_exists else "Write"
            if not self._prompts.confirm(f"{verb} {proposal.path}?", True):
                raise CliError("nothing was written; your answers are kept", self._again)
        answers = self._interview.answers
        written = self._file.run_here(Write(self.look.channel, self._name, answers, proposal.revision))
        if written.backup:
            self._say(f"Changed: {written.path}. The file from before is {written.backup}.")
        else:
            self._say(f"Written: {written.path}. Only you can read it.")
        return written

    @property
    def words(self) -> str:
        """What names the account in a command that goes on with its setup."""
        return account_words(self.look.channel, self._name or "", self._name is None)

    @property
    def _again(self) -> str:
        return f"openclaw onboard {self.words}"


def _shown(answer: Any) -> str:
    """An answer in a few words."""
    match answer:
        case AgentChoice(kind, url, model):
            return " ".join(one for one in (kind, url, model) if one)
        case bool():
            return "yes" if answer else "no"
        case tuple():
            return ", ".join(map(_shown, answer)) or "nobody"
        case Named(id, name) | GroupChoice(id, name):
            return f"{sanitize(name)} ({id})" if name else id
    return str(answer) or "none"
