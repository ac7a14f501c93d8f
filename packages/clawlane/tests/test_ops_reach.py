"""Where each operation runs, with several gateways on one database: everybody has decided about each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, get_args, get_type_hints

import pytest

from clawlane.ops import operation, reach, subjects
from clawlane.ops.operation import MODULES, Operation
from clawlane.ops.reach import REACH, Reach

SECRET = re.compile(
    r"pass(word|phrase)|secret|token|cookie|credential|^key$|^answers$|^session$", re.IGNORECASE
)


def operations() -> dict[str, Operation]:
    for module in MODULES:
        import_module(f"clawlane.ops.{module}")
    return {name: one for name, one in operation._BY_NAME.items() if name.partition(".")[0] in MODULES}


def carried() -> list[Operation]:
    return [one for name, one in operations().items() if REACH.get(name) is Reach.OWNER]


def test_each_operation_has_one_reach() -> None:
    told = Counter((reach._HERE + reach._STORE + reach._OWNER).split())
    assert [name for name, count in told.items() if count > 1] == []
    assert operations().keys() - REACH.keys() == set(), "say in ops/reach.py where these run"
    assert REACH.keys() - operations().keys() == set(), "these are not there any more"


def test_it_is_known_which_accounts_a_request_is_about() -> None:
    reaching = {name for name, one in REACH.items() if one is Reach.OWNER}
    assert subjects._FIND.keys() - reaching == set()
    for name in reaching - subjects._FIND.keys():
        assert {"channel", "account"} <= {one.name for one in fields(operations()[name].request)}, name


def names_in(type_: Any, seen: frozenset[Any] = frozenset()) -> Iterator[str]:
    """The names of the fields of a request, and of what is in them."""
    if type_ in seen:
        return
    if is_dataclass(type_) or hasattr(type_, "__struct_fields__"):
        for name, inner in get_type_hints(type_).items():
            yield name
            yield from names_in(inner, seen | {type_})
    for inner in get_args(type_):
        yield from names_in(inner, seen)


@pytest.mark.parametrize("one", carried(), ids=lambda one: one.name)
def test_no_secret_is_written_into_the_store_as_part_of_a_request(one: Operation) -> None:
    assert [name for name in names_in(one.request) if SECRET.search(name)] == []


def test_secrets_would_be_found() -> None:
    found = {name for name, one in operations().items() if any(map(SECRET.search, names_in(one.request)))}
    assert {"backup.back_up", "restore.restore", "setup.write", "store_moving.migrate"} <= found
    assert {REACH[name] for name in found} == {Reach.HERE}
