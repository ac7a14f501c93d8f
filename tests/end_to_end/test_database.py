"""A gateway whose store is a database: the way to it breaks, or there is none at the start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.clawlane.tests import postgres_server
from packages.clawlane.tests.broken_way import BrokenWay
from psycopg.conninfo import conninfo_to_dict

from demo.stage import Gateway, Operator, Simulator
from end_to_end.on_postgres import STORE, key_beside
from end_to_end.steps import answers, asked, listening, person, say

CHANNEL = "{ dmPolicy: 'open', allowFrom: ['*'], pacing: { enabled: false } }"

pytestmark = pytest.mark.long


@pytest.fixture
def way() -> Iterator[BrokenWay]:
    with BrokenWay(str(postgres_server.server().folder / ".s.PGSQL.5432")) as way:
        yield way
    postgres_server.take_back()


@pytest.fixture
def config_text(way: BrokenWay, state: Path) -> str:
    name = conninfo_to_dict(postgres_server.server().database(state))["dbname"]
    url = f"postgresql://clawlane@127.0.0.1:{way.port}/{name}?sslmode=disable"
    store = STORE.format(url=url, key=key_beside(state))
    return f"{{ {store}, channels: {{ zalouser: {CHANNEL} }} }}"


def test_what_is_written_while_the_way_is_broken_is_answered_once_it_is_mended(
    linked: Operator, zalo: Simulator, gateway: Gateway, way: BrokenWay
) -> None:
    lan, minh = person(zalo, "Lan"), person(zalo, "Minh")
    listening(gateway)
    say(zalo, lan, "before")
    assert answers(zalo, 1) == ["before"]

    way.cut()
    say(zalo, lan, "during")
    say(zalo, minh, "also")
    gateway.said("trying again")
    told = linked.run("channels", "status")
    assert told.returncode != 0
    way.mend()

    assert sorted(answers(zalo, 2)) == ["also", "during"]
    say(zalo, lan, "after")
    assert answers(zalo, 1) == ["after"]
    assert linked.run("channels", "status").returncode == 0


def test_a_database_that_is_not_there_is_named_without_its_password(
    linked: Operator, gateway: Gateway, way: BrokenWay
) -> None:
    way.cut()
    done = linked.run("gateway", "run")
    assert done.returncode == 1
    assert "127.0.0.1" in done.stdout
    assert "Traceback" not in done.stdout
    told = linked.run("pairing", "list", "zalouser")
    assert told.returncode == 1
    assert "check that the database runs" in told.stdout
    way.mend()
    listening(gateway)
    assert asked(linked, "pairing", "list", "zalouser")
