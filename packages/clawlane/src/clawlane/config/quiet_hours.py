"""Quiet hours as the config writes them: one span of the day, or a list of them. A span may pass midnight."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from clawlane.config.choices import QuietDo
from clawlane.config.fields import Block

DAY_MINUTES = 24 * 60
PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
END_PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"


def minutes_of(time: str) -> int:
    """A time of day in minutes past midnight: `22:30` is 1350."""
    hours, _, minutes = time.partition(":")
    return 60 * int(hours) + int(minutes)


def _check_time(value: object) -> object:
    if not isinstance(value, str) or not re.match(PATTERN, value.strip()):
        raise ValueError("must be a time of day such as '22:00', from '00:00' to '23:59'")
    return value.strip()


def _check_end(value: object) -> object:
    """The end of a span, which may be written as `24:00`."""
    return "00:00" if isinstance(value, str) and value.strip() == "24:00" else _check_time(value)


class QuietSpan(Block):
    """One span of quiet hours. From 22:00 to 07:00 passes midnight."""

    from_: Annotated[
        str,
        BeforeValidator(_check_time, json_schema_input_type=Annotated[str, Field(pattern=PATTERN)]),
        Field(alias="from"),
    ]
    to: Annotated[
        str, BeforeValidator(_check_end, json_schema_input_type=Annotated[str, Field(pattern=END_PATTERN)])
    ]
    do: QuietDo = QuietDo.HOLD

    def __str__(self) -> str:
        return f"{self.from_}–{self.to}"

    @property
    def minutes(self) -> tuple[int, int]:
        """When it begins and ends, in minutes past the midnight before it begins."""
        begin, end = minutes_of(self.from_), minutes_of(self.to)
        return begin, end if end > begin else end + DAY_MINUTES


def _listed(value: object) -> object:
    if isinstance(value, Mapping | QuietSpan):
        return (value,)
    if not isinstance(value, list | tuple):
        raise ValueError("must be { from: '22:00', to: '07:00' }, or a list of such spans; [] is none")
    return value


def _check_spans(spans: tuple[QuietSpan, ...]) -> tuple[QuietSpan, ...]:
    for one in spans:
        if one.from_ == one.to:
            raise ValueError(
                f"{one} begins and ends at one time; to send nothing at all: openclaw pause --account NAME"
            )
    for before, after in _overlaps(spans):
        raise ValueError(f"{before} and {after} overlap; let one end where the other begins")
    if sum(end - begin for begin, end in (one.minutes for one in spans)) >= DAY_MINUTES:
        raise ValueError("the whole day is quiet; to send nothing at all: openclaw pause --account NAME")
    return spans


def _overlaps(spans: Sequence[QuietSpan]) -> Iterator[tuple[QuietSpan, QuietSpan]]:
    """Spans that follow each other and share some time. The first one of a day follows the last one."""
    ordered = sorted(spans, key=lambda one: one.minutes)
    for before, after in pairwise(ordered):
        if before.minutes[1] > after.minutes[0]:
            yield before, after
    if len(ordered) > 1 and ordered[-1].minutes[1] > ordered[0].minutes[0] + DAY_MINUTES:
        yield ordered[-1], ordered[0]


QuietSpans = Annotated[
    tuple[QuietSpan, ...],
    BeforeValidator(_listed, json_schema_input_type=QuietSpan | tuple[QuietSpan, ...]),
    AfterValidator(_check_spans),
]
"""No two spans overlap, and some of the day is left."""
