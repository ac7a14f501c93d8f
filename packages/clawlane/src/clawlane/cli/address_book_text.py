"""An address book as CSV or as vCards.

vCard 4.0 as RFC 6350 has it: CRLF, lines of 75 octets at most, folded between characters. CSV as RFC 4180
has it, in UTF-8 with a mark that spreadsheets know it by; a cell that a spreadsheet would take for a formula
begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
import unicodedata
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from clawlane.ops.address_book import AddressBook
from clawlane.people import Person
from clawlane.texts import t

_HEADS = ("kind", "id", "name", "also", "friend", "group_id", "group_name", "members")
_FORMULA = frozenset("=+-@＝＋－＠\t\r\n")
_YES_NO = {True: "yes", False: "no", None: ""}
_OCTETS = 75


def as_csv(book: AddressBook) -> str:
    """A row for each friend, each group, and each member of a group that was looked up."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(_HEADS)
    for row in _rows(book):
        rows.writerow(map(_cell, row))
    return "\ufeff" + text.getvalue()


def _rows(book: AddressBook) -> Iterator[tuple[str, ...]]:
    for one in book.friends:
        yield ("friend", *_person(one), "", "", "")
    for group in book.groups:
        count = "" if group.member_count is None else str(group.member_count)
        yield ("group", group.id, group.name, "", "", "", "", count)
        for member in group.members:
            yield ("member", *_person(member), group.id, group.name, "")


def _person(one: Person) -> tuple[str, ...]:
    return one.id, one.name, "; ".join(one.aliases), _YES_NO[one.is_friend]


def _cell(text: str) -> str:
    """A cell that no spreadsheet computes."""
    kept = "".join(one if unicodedata.category(one) != "Cc" else " " for one in text)
    begins = next((one for one in kept if not one.isspace() and unicodedata.category(one)[0] != "C"), "")
    return f"'{kept}" if begins in _FORMULA or text[:1] in _FORMULA else kept


def as_vcards(book: AddressBook) -> str:
    """A card for each person, and one for each group that names its members."""
    people: dict[str, Person] = {}
    groups_of: dict[str, list[str]] = {}
    for one in book.friends:
        people[one.id] = one
    for group in book.groups:
        for member in group.members:
            people.setdefault(member.id, member)
            groups_of.setdefault(member.id, []).append(group.name or group.id)
    revision = f"{datetime.fromtimestamp(book.taken_ms / 1000, UTC):%Y%m%dT%H%M%SZ}"
    lines: list[str] = []
    for person in people.values():
        lines += _card(book, "individual", person.id, person.name, revision)
        if person.aliases:
            lines.append(f"NICKNAME:{','.join(map(_escaped, person.aliases))}")
        if named := groups_of.get(person.id):
            lines.append(f"CATEGORIES:{','.join(map(_escaped, named))}")
        lines.append("END:VCARD")
    for group in book.groups:
        lines += _card(book, "group", group.id, group.name, revision)
        lines += [f"MEMBER:{_uid(book, 'individual', member.id)}" for member in group.members]
        lines.append("END:VCARD")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _card(book: AddressBook, kind: str, id_: str, name: str, revision: str) -> list[str]:
    note = t("{channel} id {id}", channel=book.account.partition("/")[0], id=id_)
    return [
        "BEGIN:VCARD",
        "VERSION:4.0",
        f"KIND:{kind}",
        f"UID:{_uid(book, kind, id_)}",
        f"FN:{_escaped(name) or _escaped(id_)}",
        f"NOTE:{_escaped(note)}",
        f"REV:{revision}",
    ]


def _uid(book: AddressBook, kind: str, id_: str) -> str:
    """The same in every export, so that a card that is imported again replaces the former one."""
    channel = book.account.partition("/")[0]
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{channel}:{kind}:{id_}").urn


def _escaped(text: str) -> str:
    """A value of a vCard."""
    for sign in ("\\", ",", ";"):
        text = text.replace(sign, f"\\{sign}")
    text = text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")
    return "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cs")).strip()


def _folded(line: str) -> Iterator[str]:
    """A line, broken where it is too long: what follows begins with a space."""
    part, size = "", 0
    for one in line:
        octets = len(one.encode())
        if size + octets > _OCTETS:
            yield part
            part, size = " ", 1
        part += one
        size += octets
    yield part
