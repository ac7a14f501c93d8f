"""A scenario: people, groups, and steps with what is expected of each. Read from a YAML file.

docs/rehearsal.md describes the format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from clawlane.channel import Phase
from clawlane.config.errors import did_you_mean
from clawlane.config.regular_file import read_regular
from clawlane.rehearsal.errors import RehearsalError, ScenarioError
from clawlane.rehearsal.yaml_reader import LONGEST, Place, YamlError, read, typed
from clawlane.texts import later

OWNER = "owner"
"""Who writes with the account's own phone."""

_MOST_STEPS = 200
_KNOWN = {
    "enum": later("Input should be {expected}"),
    "float_parsing": later("Input should be a valid number, unable to parse string as a number"),
    "int_parsing": later("Input should be a valid integer, unable to parse string as an integer"),
    "greater_than": later("Input should be greater than {gt}"),
    "greater_than_equal": later("Input should be greater than or equal to {ge}"),
    "less_than_equal": later("Input should be less than or equal to {le}"),
    "string_type": later("Input should be a valid string"),
    "string_too_short": later("String should have at least {min_length} character"),
    "string_too_long": later("String should have at most {max_length} characters"),
    "bool_parsing": later("Input should be a valid boolean, unable to interpret input"),
    "dict_type": later("Input should be a valid dictionary"),
    "tuple_type": later("Input should be a valid tuple"),
    "too_short": later("Tuple should have at least {min_length} item"),
    "too_long": later("Tuple should have at most {max_length} items"),
}
"""What pydantic says of wrong values, by its type of error."""


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
            raise ValueError(later("a person is `friend` or `stranger`, or has a `name`"))
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
            raise ValueError(later("a step needs one of: {verbs}", verbs=", ".join(VERBS)))
        if len(acts) > 1:
            raise ValueError(later("`{one}` and `{other}` are two steps", one=acts[0], other=acts[1]))
        if self.who is None and self.verb in _OF_SOMEBODY:
            raise ValueError(later("`{verb}` needs a `who`", verb=self.verb))
        expects = [key for key in _EXPECTATIONS if key in self.model_fields_set]
        if expects and self.verb not in _OF_MESSAGES:
            raise ValueError(later("`{key}` is about messages, not `{verb}`", key=expects[0], verb=self.verb))
        return self

    @model_validator(mode="after")
    def _whole_decision(self) -> Step:
        if self.draft is None and (self.decide is not None or self.text is not None):
            raise ValueError(later("`decide` and `text` need a `draft`"))
        if self.draft is not None and self.decide is None:
            raise ValueError(later("`draft` needs `decide`: {decisions}", decisions=", ".join(Decide)))
        if (self.text is not None) != (self.decide is Decide.EDIT):
            raise ValueError(later("`text` is the new text of a draft: it comes with `decide: edit`"))
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
        raise RehearsalError(later("{file} is not a text in UTF-8", file=file)) from None
    except ValueError as error:
        raise RehearsalError(later("{file}: {why}", file=file, why=error.args[0])) from None
    if len(content) > LONGEST:
        most = LONGEST // 1024
        raise RehearsalError(later("{file} is too long: a scenario has at most {n} KiB", file=file, n=most))
    try:
        data, lines = read(text)
    except YamlError as error:
        raise ScenarioError([_at(file, error.line, error.args[0])]) from None
    if not isinstance(data, Mapping):
        begins = later("a scenario begins with `title:`; see docs/rehearsal.md")
        raise ScenarioError([_at(file, 1, begins)])
    if odd := {"name", "lines"} & set(data):
        key = min(odd)
        raise ScenarioError([_at(file, lines[(key,)], later("unknown key {key!r}", key=key))])
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError([_at(file, *one) for one in _mistakes(error, lines)]) from None
    steps = tuple(lines.get(("steps", at), 0) for at in range(len(scenario.steps)))
    scenario = scenario.model_copy(update={"name": file.stem, "lines": steps})
    if unknown := list(_unknown_names(scenario)):
        raise ScenarioError([_at(file, *one) for one in unknown])
    return scenario


def _at(file: Path, line: int, what: str) -> str:
    return later("{file} line {line}: {what}", file=file.name, line=line, what=what)


def _mistakes(error: ValidationError, lines: Mapping[Place, int]) -> list[tuple[int, str]]:
    """Each mistake by its line, with its place, in the order of the file."""
    found: list[tuple[int, str]] = []
    for one in error.errors(include_url=False):
        place = _place(one["loc"], lines)
        what = _what(one)
        if one["type"] == "missing":
            what = later("`{key}` is missing", key=one["loc"][-1])
        elif one["type"] == "extra_forbidden":
            known = [field.alias or name for name, field in _model_at(place).model_fields.items()]
            what = did_you_mean(str(place[-1]), known) or later(
                "no such key; there are {keys}", keys=", ".join(known)
            )
        elif one["type"] == "too_short" and one["input"]:
            continue  # all its items have mistakes of their own
        where = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place)
        where = where.removeprefix(".") or later("the scenario")
        found.append((lines.get(place, 1), later("{where}: {what}", where=where, what=what)))
    return sorted(found, key=lambda one: one[0])


def _what(mistake: ErrorDetails) -> str:
    """What is wrong with a value: in our words, or in pydantic's."""
    context = mistake.get("ctx", {})
    if isinstance(error := context.get("error"), ValueError):
        text: str = error.args[0]
        return text
    if known := _KNOWN.get(mistake["type"]):
        if mistake["type"] == "enum":
            context = {"expected": str(context["expected"]).replace(" or ", ", ")}
        return later(known, **context)
    return mistake["msg"]


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


def _unknown_names(scenario: Scenario) -> Iterator[tuple[int, str]]:
    """Steps that name somebody, a group or a message that is not there before them, by their lines."""
    people, labels = {*STOCK, *scenario.people}, set[str]()
    for name, members in scenario.groups.items():
        yield from (
            (1, later("{where}: {what}", where=f"groups.{name}", what=_nobody(one, people)))
            for one in members
            if one not in people
        )
    for step, line in zip(scenario.steps, scenario.lines, strict=True):
        named = (step.approve, step.reject, step.to if step.who == OWNER else None)
        for one in (step.who if step.who != OWNER else None, *named):
            if one is not None and one not in people:
                yield line, _nobody(one, people)
        if step.group is not None and step.group not in scenario.groups:
            groups = _among(scenario.groups)
            yield (
                line,
                later("there is no group {name!r}; groups are {groups}", name=step.group, groups=groups),
            )
        about = step.recalls or step.look or step.reacts or step.draft
        if about is not None and about not in labels:
            yield line, later("no message before this is called {name!r} (`as: {name}`)", name=about)
        if step.label:
            labels.add(step.label)


def _nobody(name: str, people: Iterable[str]) -> str:
    return later("nobody is called {name!r}; people are {people}", name=name, people=_among(people))


def _among(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or later("none")
