"""The page about compatibility says of each ability what the command says: one table is behind both."""

from __future__ import annotations

from pathlib import Path

from clawlane.abilities import COUNTED, RISKY, SOURCES, Ability, proof, what, when_off
from clawlane_zalouser.known import KNOWN

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
_HEAD = (
    "| name | ability | known from | what that leaves open | seen working here once |\n"
    "|---|---|---|---|---|\n"
)
_OFF = "| name | while it is off | switched off |\n|---|---|---|\n"


def table() -> str:
    cells = (
        (f"`{one.ability}`", what(one.ability), SOURCES[one.source], one.detail, proof(one.ability))
        for one in KNOWN
    )
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in cells)


def off_table() -> str:
    by_hand = {Ability.TAKEOVER: "by three foreign echoes", Ability.RECALLS: "by hand alone"}
    rows = (
        f"| `{one}` | {when_off(one)} | {by_hand.get(one, 'by two refusals, or by hand')} |\n"
        for one in RISKY
    )
    return _OFF + "".join(rows)


def test_every_ability_is_known_from_somewhere_in_order() -> None:
    assert [one.ability for one in KNOWN] == list(Ability)
    assert set(RISKY) - set(COUNTED) == {Ability.TAKEOVER, Ability.RECALLS}


def test_the_page_has_the_tables_of_the_code() -> None:
    page = PAGE.read_text()
    assert table() in page, table()
    assert off_table() in page, off_table()
