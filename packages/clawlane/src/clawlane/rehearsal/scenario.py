"""A scenario: people, groups, and steps with what is expected of each. Read from a YAML file.

docs/rehearsal.md describes the format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from clawlane.channel import Phase
from clawlane.config.errors import did_you_mean
from clawlane.config.regular_file import read_regular
from clawlane.rehearsal.errors import RehearsalError, ScenarioError
from clawlane.rehearsal.yaml_reader import LONGEST, Place, YamlError, read, typed

OWNER = "owner"
"""Who writes with the account's own phone."""

_MOST_STEPS = 200


class Outcome(StrEnum):
    """What became of a message."""

    ANSWERED = "answered"
    CHALLENGED = "challenged"
    DROPPED = "dropped"
    PENDED = "pended"
    COMMAND = "command"
    SILENT = "silent"
    HELD = "held"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    RECALLED = "recalled"
    STOPPED = "stopped"
    EXPIRED = "expired"
    WAITING = "waiting"
    UNREAD = "unread"
    NOTHING = "nothing"
    DRAFTED = "drafted"
    TAKEN_OVER = "taken_over"


class Decide(StrEnum):
    """What the operator does with a draft."""

    APPROVE = "approve"
    EDIT = "edit"
    DROP = "drop"


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _person(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("friend", "stranger"):
            raise ValueError("a person is `friend` or `stranger`, or has a `name`")
        return {"friend": value == "friend"}
    return value


Text = Annotated[str, Field(max_length=20_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(max_length=50)]
Fields = Annotated[dict[str, Any], BeforeValidator(typed)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Person(_Model):
    """Somebody on the platform. Without `name` the name in the scenario is the person's name."""

    name: str = ""
    friend: bool = False


VERBS = (
    "says",
    "sends",
    "reacts",
    "recalls",
    "look",
    "approve",
    "reject",
    "draft",
    "do",
    "fault",
    "wait",
    "sees",
    "state",
)
"""What a step can be, the first that is there; `sees` and `state` may also stand with another one."""

_OF_SOMEBODY = frozenset({"says", "sends", "reacts", "recalls"})
_OF_MESSAGES = frozenset({"says", "sends", "recalls", "look", "draft"})
_EXPECTATIONS = ("expect", "reason", "sent", "unsent", "messages", "unseen")


class Step(_Model):
    """One step. `verb` names what it does; the rest says how, and what is expected."""

    who: Name | None = None
    says: Words | None = None
    sends: Name | None = None
    reacts: Name | None = None
    recalls: Name | None = None
    look: Name | None = None
    approve: Name | None = None
    reject: Name | None = None
    draft: Name | None = None
    do: Name | None = None
    fault: Fields | None = None
    wait: Annotated[float, Field(gt=0, le=30)] | None = None
    sees: Name | None = None
    state: Phase | None = None

    group: Name | None = Field(None, alias="in")
    to: Name | None = None
    account: Name | None = None
    mention: bool = False
    times: Annotated[int, Field(ge=1, le=100)] = 1
    label: Name | None = Field(None, alias="as")
    fields: Fields = Field({}, alias="with")
    only_if: dict[str, Words] = Field({}, alias="if")
    note: str = ""
    decide: Decide | None = None
    text: Text | None = None

    expect: Annotated[tuple[Outcome, ...], BeforeValidator(_listed)] = ()
    reason: Words = ()
    sent: Words | None = None
    messages: Annotated[int, Field(ge=0)] | None = None
    unsent: Words = ()
    unseen: Words = ()

    @property
    def verb(self) -> str:
        return next(verb for verb in VERBS if getattr(self, verb) is not None)

    @model_validator(mode="after")
    def _one_verb(self) -> Step:
        verbs = [verb for verb in VERBS if getattr(self, verb) is not None]
        acts = [verb for verb in verbs if verb not in ("sees", "state")]
        if not verbs:
            raise ValueError(f"a step needs one of: {', '.join(VERBS)}")
        if len(acts) > 1:
            raise ValueError(f"`{acts[0]}` and `{acts[1]}` are two steps")
        if self.who is None and self.verb in _OF_SOMEBODY:
            raise ValueError(f"`{self.verb}` needs a `who`")
        expects = [key for key in _EXPECTATIONS if key in self.model_fields_set]
        if expects and self.verb not in _OF_MESSAGES:
            raise ValueError(f"`{expects[0]}` is about messages, not `{self.verb}`")
        return self

    @model_validator(mode="after")
    def _whole_decision(self) -> Step:
        if self.draft is None and (self.decide is not None or self.text is not None):
            raise ValueError("`decide` and `text` need a `draft`")
        if self.draft is not None and self.decide is None:
            raise ValueError(f"`draft` needs `decide`: {', '.join(Decide)}")
        if (self.text is not None) != (self.decide is Decide.EDIT):
            raise ValueError("`text` is the new text of a draft: it comes with `decide: edit`")
        return self


STOCK: Mapping[str, Person] = {
    "stranger": Person(name="Phạm Quốc Bảo"),
    "friend": Person(name="Trần Thị Lan", friend=True),
}
"""People that every scenario can name."""


class Scenario(_Model):
    """A scenario. `lines` are those of its steps in the file; without `config` it plays the operator's.

    `config` may have `<now>` and `<now-1h>`; see `clawlane.rehearsal.clock_marks`.
    """

    title: Name
    about: str = ""
    config: str | None = None
    people: dict[Name, Annotated[Person, BeforeValidator(_person)]] = {}
    groups: dict[Name, tuple[Name, ...]] = {}
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=_MOST_STEPS)]
    name: str = ""
    lines: tuple[int, ...] = ()

    def cast(self) -> dict[str, Person]:
        """Everybody who is named, by that name."""
        known, used = {**STOCK, **self.people}, set(self.people)
        used |= {name for members in self.groups.values() for name in members}
        used |= {
            name for step in self.steps for name in (step.who, step.to, step.approve, step.reject) if name
        }
        return {name: person for name, person in known.items() if name in used}


def load(file: Path) -> Scenario:
    """The scenario in a file. Raises `ScenarioError`, and `RehearsalError` for a file that is none."""
    try:
        content = read_regular(file, LONGEST)
        text = content.decode()
    except OSError as error:
        raise RehearsalError(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise RehearsalError(f"{file} is not a text in UTF-8") from None
    except ValueError as error:
        raise RehearsalError(f"{file}: {error}") from None
    if len(content) > LONGEST:
        raise RehearsalError(f"{file} is too long: a scenario has at most {LONGEST // 1024} KiB")
    try:
        data, lines = read(text)
    except YamlError as error:
        raise ScenarioError([f"{file.name} line {error.line}: {error}"]) from None
    if not isinstance(data, Mapping):
        raise ScenarioError([f"{file.name} line 1: a scenario begins with `title:`; see docs/rehearsal.md"])
    if odd := {"name", "lines"} & set(data):
        raise ScenarioError([f"{file.name} line {lines[(min(odd),)]}: unknown key {min(odd)!r}"])
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError([f"{file.name} {line}" for line in _mistakes(error, lines)]) from None
    steps = tuple(lines.get(("steps", at), 0) for at in range(len(scenario.steps)))
    scenario = scenario.model_copy(update={"name": file.stem, "lines": steps})
    if unknown := list(_unknown_names(scenario)):
        raise ScenarioError([f"{file.name} {line}" for line in unknown])
    return scenario


def _mistakes(error: ValidationError, lines: Mapping[Place, int]) -> list[str]:
    """Each mistake with its line and its place, in the order of the file."""
    found: list[tuple[int, str]] = []
    for one in error.errors(include_url=False):
        place = _place(one["loc"], lines)
        what = str(one["msg"]).removeprefix("Value error, ")
        if one["type"] == "missing":
            what = f"`{one['loc'][-1]}` is missing"
        elif one["type"] == "extra_forbidden":
            known = [field.alias or name for name, field in _model_at(place).model_fields.items()]
            what = did_you_mean(str(place[-1]), known) or f"no such key; there are {', '.join(known)}"
        elif one["type"] == "too_short" and one["input"]:
            continue  # all its items have mistakes of their own
        where = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place)
        found.append((lines.get(place, 1), f"{where.removeprefix('.') or 'the scenario'}: {what}"))
    return [f"line {line}: {text}" for line, text in sorted(found, key=lambda one: one[0])]


def _place(loc: tuple[int | str, ...], lines: Mapping[Place, int]) -> Place:
    """The place in the file: pydantic's own, without the steps of its validators."""
    place = tuple(part for part in loc if not str(part).startswith("function-"))
    while place and place not in lines:
        place = place[:-1]
    return place


def _model_at(place: Place) -> type[_Model]:
    if place[:1] == ("steps",):
        return Step
    return Person if place[:1] == ("people",) and len(place) > 2 else Scenario


def _unknown_names(scenario: Scenario) -> Iterator[str]:
    """Steps that name somebody, a group or a message that is not there before them."""
    people, labels = {*STOCK, *scenario.people}, set[str]()
    for name, members in scenario.groups.items():
        yield from (
            f"line 1: groups.{name}: nobody is called {one!r}; people are {_among(people)}"
            for one in members
            if one not in people
        )
    for step, line in zip(scenario.steps, scenario.lines, strict=True):
        named = (step.approve, step.reject, step.to if step.who == OWNER else None)
        for one in (step.who if step.who != OWNER else None, *named):
            if one is not None and one not in people:
                yield f"line {line}: nobody is called {one!r}; people are {_among(people)}"
        if step.group is not None and step.group not in scenario.groups:
            yield f"line {line}: there is no group {step.group!r}; groups are {_among(scenario.groups)}"
        about = step.recalls or step.look or step.reacts or step.draft
        if about is not None and about not in labels:
            yield f"line {line}: no message before this is called {about!r} (`as: {about}`)"
        if step.label:
            labels.add(step.label)


def _among(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
