"""What a rehearsal shows: steps, messages with their decisions, and the table of who gets in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from clawlane.access import explain
from clawlane.access.decision import Decision
from clawlane.cli.output import echo_wrapped, print_table
from clawlane.rehearsal.expectations import StepResult
from clawlane.rehearsal.fates import Fate, Left
from clawlane.rehearsal.reach import Attempt, Tried
from clawlane.rehearsal.scenario import Outcome
from clawlane.texts import later, t, tn
from clawlane.words.strangers import printable, sanitize
from clawlane.words.turns import sentence

_HEADS = (later("WHO WRITES"), later("RESULT"), later("WHY"), later("CONFIG"))
_OUTCOMES = {
    Outcome.ANSWERED: later("answered"),
    Outcome.CHALLENGED: later("challenged"),
    Outcome.DROPPED: later("dropped"),
    Outcome.PENDED: later("pended"),
    Outcome.COMMAND: later("command"),
    Outcome.SILENT: later("silent"),
    Outcome.HELD: later("held"),
    Outcome.REFUSED: later("refused"),
    Outcome.UNCONFIRMED: later("unconfirmed"),
    Outcome.FAILED: later("agent failed"),
    Outcome.RECALLED: later("recalled"),
    Outcome.STOPPED: later("stopped"),
    Outcome.EXPIRED: later("expired"),
    Outcome.WAITING: later("waiting"),
    Outcome.UNREAD: later("unread"),
    Outcome.NOTHING: later("nothing"),
    Outcome.DRAFTED: later("drafted"),
    Outcome.TAKEN_OVER: later("taken over"),
}
_SAID = 120
_SHOWN_LINES = 6


def show_step(result: StepResult, names: Mapping[str, str]) -> None:
    """A step with what came of it, and what failed."""
    head, says = f"{result.number:>3}  ", sanitize(t(result.says), _SAID)
    if result.skipped:
        left_out = t("{step} – left out: {why}", step=says, why=t(result.skipped))
        echo_wrapped(left_out, head, " " * 5)
        return
    echo_wrapped(says, head, " " * 5)
    if result.step.note:
        echo_wrapped(result.step.note, " " * 5)
    for line in fate_lines(result.fates):
        echo_wrapped(line, " " * 5, " " * 7)
    if result.saw is not None:
        echo_wrapped(_saw_line(result.saw), " " * 5, " " * 7)
    show_left(result.left, names)
    show_left(result.elsewhere, names)
    for line in result.failed:
        where = t("step {n} (line {line})", n=result.number, line=result.line)
        if not result.line:
            where = t("step {n}", n=result.number)
        echo_wrapped(f"✗ {where}: {sanitize(t(line), 500)}", " " * 5, " " * 7)


def show_left(left: Sequence[Left], names: Mapping[str, str]) -> None:
    """Each message that left, as the platform got it."""
    for one in left:
        first, *rest = printable(one.text).splitlines() or [""]
        echo_wrapped(f"→ {sanitize(names.get(one.thread_id, one.thread_id))}: {first}", " " * 5, " " * 7)
        for line in rest[: _SHOWN_LINES - 1]:
            echo_wrapped(line, " " * 7)
        if len(rest) >= _SHOWN_LINES:
            more = len(rest) - _SHOWN_LINES + 1
            echo_wrapped(tn("… and {n} more line", "… and {n} more lines", more), " " * 7)


def fate_lines(fates: Sequence[Fate]) -> Iterator[str]:
    """What was decided and where it stands; the same thing several times once."""
    lines = [_fate_line(fate) for fate in fates]
    for line in dict.fromkeys(lines):
        count = lines.count(line)
        yield f"{count} × {line}" if count > 1 else line
    if approved := [str(number) for fate in fates for number in fate.approved]:
        yield tn(
            "The rehearsal approved draft {numbers} in your place; with this config it waits for you.",
            "The rehearsal approved drafts {numbers} in your place; with this config they wait for you.",
            len(approved),
            numbers=", ".join(approved),
        )


def _saw_line(kinds: Sequence[str]) -> str:
    if not kinds:
        return t("The platform saw nothing there.")
    return t("The platform saw there: {kinds}", kinds=sanitize(", ".join(kinds), 200))


def _fate_line(fate: Fate) -> str:
    if fate.story is None:
        return t("unread: the gateway has not got it")
    one = fate.story.recorded
    why = str(explain.explain(one.made[-1].decision, one.sender_id, one.thread)) if one.made else ""
    stands = ""
    if one.standing and fate.story.standing and fate.outcome is not Outcome.ANSWERED:
        stands = sentence(one.standing, fate.story.standing)
    parts = [part for part in (sanitize(stands, 300), sanitize(why, 500)) if part]
    told, outcome = " – ".join(parts), t(_OUTCOMES[fate.outcome])
    # "held: …", and "waiting for the agent, held: …"
    says_it = outcome in told.partition(":")[0] if fate.outcome is Outcome.HELD else told.startswith(outcome)
    if not told or says_it:
        return told or outcome
    return f"{outcome}: {told}"


def show_reach(tried: Sequence[Tried]) -> None:
    """Who gets in, a table for each place, and the text that strangers get."""
    places: dict[tuple[str, str], list[Tried]] = {}
    for one in tried:
        places.setdefault((one.attempt.account.id, _where(one.attempt)), []).append(one)
    several = len({account for account, _ in places}) > 1
    for (account, where), there in places.items():
        click.echo()
        echo_wrapped(f"{account}: {where}" if several else where)
        print_table(tuple(map(t, _HEADS)), list(_rows(there)))
    if any(one.fate.approved for one in tried):
        click.echo()
        echo_wrapped(
            t("Approved: the rehearsal approved the draft in your place; with this config it waits for you.")
        )
    challenges = [one for one in tried if one.fate.outcome is Outcome.CHALLENGED and one.left]
    if challenges:
        click.echo()
        echo_wrapped(t("A stranger gets this text:"))
        for line in printable(challenges[0].left[0].text).splitlines():
            echo_wrapped(line, "  ")


def _where(attempt: Attempt) -> str:
    if not attempt.group:
        return t("Direct messages")
    if not attempt.group_name:
        return t("In any other group")
    return t("In the group {name}", name=sanitize(attempt.group_name))


def _rows(tried: Sequence[Tried]) -> Iterator[tuple[str, ...]]:
    """A row for each attempt; one row where a mention makes no difference."""
    rest = list(tried)
    while rest:
        one = rest.pop(0)
        who = sanitize(t(one.attempt.who))
        if one.attempt.group:
            other = rest[0] if rest and rest[0].attempt == replace(one.attempt, mention=True) else None
            if other is not None and _result(other) == _result(one):
                rest.pop(0)
            else:
                mentions = (
                    later("{who}, with a mention") if one.attempt.mention else later("{who}, no mention")
                )
                who = t(mentions, who=who)
        yield (who, *_result(one))


def _result(one: Tried) -> tuple[str, str, str]:
    """What came of it, why, and the line of the config that decided."""
    decision = _decision(one.fate)
    no_text = one.fate.outcome is Outcome.CHALLENGED and not one.left
    result = t(_OUTCOMES[one.fate.outcome])
    if no_text:
        result = t("{outcome}, no text", outcome=result)
    if one.fate.approved:
        result = t("approved: {outcome}", outcome=result)
    if decision is None:
        return result, "–", "–"
    line = t("built-in") if decision.rule.line is None else t("line {line}", line=decision.rule.line)
    return result, str(decision.reason), line


def _decision(fate: Fate) -> Decision | None:
    made = fate.story.recorded.made if fate.story else ()
    return made[-1].decision if made else None


def step_dict(result: StepResult) -> dict[str, Any]:
    """A step for `--json`."""
    return {
        "step": result.number,
        "line": result.line or None,
        "does": result.step.verb,
        "text": sanitize(t(result.says), 1000),
        "skipped": t(result.skipped) or None,
        "messages": [fate_dict(fate) for fate in result.fates],
        "sent": _left_dicts((*result.left, *result.elsewhere)),
        "saw": result.saw,
        "failed": [sanitize(t(line), 1000) for line in result.failed],
    }


def fate_dict(fate: Fate) -> dict[str, Any]:
    """What became of a message, for `--json`; `decision` is null for one that was not read or not decided.

    `approved_drafts` are the numbers of those that the rehearsal approved in the operator's place.
    """
    decision, one = _decision(fate), fate.story.recorded if fate.story else None
    return {
        "outcome": str(fate.outcome),
        "decision": explain.as_dict(decision, one.sender_id, one.thread) if decision and one else None,
        "approved_drafts": list(fate.approved),
    }


def tried_dict(one: Tried) -> dict[str, Any]:
    """A row of the table of who gets in, for `--json`."""
    attempt = one.attempt
    return {
        "account": str(attempt.account),
        "who": sanitize(attempt.who),
        "group": sanitize(attempt.group_name) or None,
        "mention": attempt.mention,
        **fate_dict(one.fate),
        "sent": _left_dicts(one.left),
    }


def _left_dicts(left: Sequence[Left]) -> list[dict[str, str]]:
    return [{"thread": one.thread_id, "text": printable(one.text)} for one in left]
