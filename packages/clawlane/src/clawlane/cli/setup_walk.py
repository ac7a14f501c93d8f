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
from clawlane.cli.output import echo_wrapped
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
from clawlane.texts import later, t
from clawlane.words.strangers import printable, sanitize
from clawlane.words.unofficial import UNOFFICIAL

_TRIAL = later("Hello, who are you?")
_WITHOUT_LOGIN = later("Without a login the directory cannot be read: type ids instead of names.")


_SUBJECTS = {
    "dm_policy": later("dm policy"),
    "allow_from": later("allow from"),
    "pairing_reply": later("pairing reply"),
    "group_policy": later("group policy"),
    "groups": later("groups"),
    "group_allow_from": later("group allow from"),
    "owner_takeover": later("owner takeover"),
    "agent": later("agent"),
    "reload": later("reload"),
    "outbound": later("outbound"),
    "disclosure": later("disclosure"),
    "timezone": later("timezone"),
    "quiet_hours": later("quiet hours"),
    "warm_up": later("warm up"),
    "alerts": later("alerts"),
    "owner_commands": later("owner commands"),
}
"""What each field of the answers is about."""


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
        done = Done(self.look, proposal, written)
        try:
            return finish(self._file, done, self._given, self._prompts, as_json=self._as_json)
        except KeyboardInterrupt:
            told = t(
                "The setup is done. Check the lane later: openclaw verify {words}", words=self.look.words
            )
            click.echo(f"\n{told}")
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
        self._say(
            t(
                "Setting up {channel} ({id}), account '{account}'.",
                channel=look.label,
                id=look.channel,
                account=look.account,
            )
        )
        self._say(t("The config is {file}.", file=look.config_file))
        for one in look.settings:
            self._say(
                t("Already set in line {line}: {text} ({path})", line=one.line, text=one.text, path=one.path)
            )
        if self._prompts is not None:
            self._say(t("Ctrl-C stops at any question; the same command continues there."))

    def _install(self) -> None:
        spec, channel = self.look.spec, self.look.channel
        if not spec:
            return
        self._head(t("Plugin"))
        if self._prompts is not None and not self._given.yes:
            state, question, command = (
                (t("disabled"), t("Switch it on again?"), f"openclaw plugins enable {channel}")
                if self.look.disabled
                else (
                    t("not installed"),
                    t("Install {spec}? Nothing is downloaded.", spec=spec),
                    f"openclaw plugins install {spec}",
                )
            )
            self._say(t("The channel is a plugin, and it is {state}. You see its risk next.", state=state))
            if not self._prompts.confirm(question, True):
                raise CliError(t("nothing was done: the channel needs its plugin"), command)
        done: Switched | Installed
        if self.look.disabled:
            done = self._file.run_here(Switch(channel, enabled=True))
            self._say(t("Enabled: the plugin of {channel}. Its channel is still off.", channel=channel))
        else:
            done = self._file.run_here(Install(spec))
            self._say(
                t(
                    "Installed: {id}, {name} {version} ({label}). It is still off.",
                    id=done.id,
                    name=done.name,
                    version=done.version,
                    label=t(UNOFFICIAL),
                )
            )
        if done.restart_needed:
            self._say(t("A gateway is running; to load the plugin there: openclaw gateway restart"))
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
            self._say(
                t(
                    "The risk was accepted for this account before; expendable: {expendable}.",
                    expendable=t(expendable),
                )
            )
            return
        risk = look.risk
        lines = () if look.accepted and not unsure else risk.lines
        needed = ConsentNeeded(
            risk.title, lines, risk.alternative, look.account, look.profile, "", look.others_risk
        )
        self._head(t("Risk"))
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
            raise CliError(t("the risk has to be accepted first"), t("add {flag}", flag=FLAG))
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
        self._head(t("Where you stopped"))
        for name, answer in kept.items():
            self._say(f"{t(_SUBJECTS[name])}: {_shown(answer)}")
        self._say(t("You answered this {length} ago.", length=length(max(0, now_ms() - draft.at_ms))))
        if self._prompts.confirm(t("Continue where you stopped?"), True):
            self._interview.answers = replace(Answers(), **kept)
        else:
            self._file.run_here(DropDraft(self.look.channel, self.look.account))

    def _log_in(self) -> None:
        look = self.look
        if not self._given.login:
            return
        self._head(t("Login"))
        asks = self._prompts is not None and not look.user_id and not self._given.yes
        if asks and self._prompts is not None:
            self._say(t("Next, scan a QR code with the phone of the account."))
            if not self._prompts.confirm(t("Log in now?"), True):
                self._say(t(_WITHOUT_LOGIN))
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
            if self._prompts.confirm(t("Try again?"), True):
                return False
            self._say(t(_WITHOUT_LOGIN))
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
                self._head(t(question.title))
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
        if not self._prompts.confirm(t("Ask the agent one question now?"), True):
            return True
        text = self._prompts.text(t("Question:"), t(_TRIAL))
        planned = self._file.planning(self.look.channel, self._name, Answers(agent=agent))
        try:
            told = planned.run_here(Ask(text))
        except Exception as error:
            tell_failure(explain(error), as_json=False)
            return self._prompts.confirm(t("Keep this agent although it did not answer?"), False)
        self._say(t("It answered in {seconds:.1f} s:", seconds=told.took_ms / 1000))
        click.echo("  " + (printable(told.text).replace("\n", "\n  ") or t("(silent)")))
        return True

    def _propose(self) -> Proposal:
        self._interview.answers = pruned(self._interview)
        proposal = self._file.run_here(Propose(self.look.channel, self._name, self._interview.answers))
        if proposal.problems:
            raise CliError(
                t("these answers make no valid config: {problem}", problem=proposal.problems[0]), self._again
            )
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
            self._say(t("The config already says all of this; nothing is written."))
            return None
        self._head(t("Config"))
        if not self._as_json:
            lines = proposal.diff or proposal.text.splitlines()
            click.echo("".join(f"  {line}".rstrip() + "\n" for line in lines))
        if named := proposal.account_named:
            self._say(
                t("The existing account is now called '{named}'; its settings are unchanged.", named=named)
            )
        if pinned := proposal.default_pinned:
            self._say(t("'{pinned}' stays the default account.", pinned=pinned))
        for warning in proposal.warnings:
            self._say(t("warning: {warning}", warning=warning))
        for one in proposal.findings:
            self._say(f"{t(one.severity)}: {finding_text.one_line(one)}")
        self._tell_hosts(proposal)
        if self._prompts is not None and not self._given.yes:
            question = later("Change {file}?") if self.look.file_exists else later("Write {file}?")
            if not self._prompts.confirm(t(question, file=proposal.path), True):
                raise CliError(t("nothing was written; your answers are kept"), self._again)
        answers = self._interview.answers
        written = self._file.run_here(Write(self.look.channel, self._name, answers, proposal.revision))
        self._file.run_here(DropDraft(self.look.channel, self.look.account))  # before it is said to be done
        if written.backup:
            self._say(
                t(
                    "Changed: {path}. The file from before is {backup}.",
                    path=written.path,
                    backup=written.backup,
                )
            )
        else:
            self._say(t("Written: {path}. Only you can read it.", path=written.path))
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
            return t("yes") if answer else t("no")
        case tuple():
            return ", ".join(map(_shown, answer)) or t("nobody")
        case Named(id, name) | GroupChoice(id, name):
            return f"{sanitize(name)} ({id})" if name else id
    return str(answer) or t("none")
