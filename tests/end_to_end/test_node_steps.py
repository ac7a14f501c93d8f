"""Commands on one machine that follow another: a login, what passes, what is removed."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from demo.stage import Simulator, running
from end_to_end.browsing import Browser, Live, signed_in
from end_to_end.mcp_clients import over_pipes
from end_to_end.steps import ACCEPT, answers, asked, log_in, person, say, until
from end_to_end.test_cluster import LANE, other_than
from end_to_end.test_debug import line_with
from end_to_end.test_node_requests import Machines, asked_status, desk

__all__ = ["desk"]
pytestmark = pytest.mark.long


def test_a_login_on_another_machine_shows_its_code_here(desk: Machines, zalo: Simulator) -> None:
    owners = desk.owners("a")
    account = next(name for name, node in sorted(owners.items()) if name != LANE and node == owners[LANE])
    owner, id_ = owners[account], account.rpartition("/")[2]
    phone = zalo.do("/account", name="Shop")["uid"]

    # One that is ended here ends there, too.
    with running(
        desk.operators["c"].command("channels", "login", "--account", id_, ACCEPT),
        desk.operators["c"].env,
        subprocess.STDOUT,
    ) as login:
        zalo.wait("qrshown")
        told = desk.refused(other_than(owner), "channels", "login", "--account", id_, ACCEPT)
        assert f"a login of {account} runs already, at a terminal" in told
        login.send_signal(signal.SIGINT)
        login.wait(30)
    desk.nodes[owner].said("nobody follows any more")
    until(lambda: not desk.rows)

    done = log_in(desk.operators["c"], zalo, ACCEPT, "--account", id_, user=phone)
    assert done.returncode == 0, done.stdout
    assert "Shop" in done.stdout
    desk.nodes[owner].said(f"{account} is ready")
    assert desk.owners("c")[account] == owner
    assert desk.rows == []
    again = desk.operators[other_than(owner)].run("channels", "logout", "--account", id_)
    assert again.returncode == 0, again.stdout


async def test_the_console_and_mcp_clients_of_one_node_act_on_another(
    desk: Machines, zalo: Simulator
) -> None:
    owners = desk.owners("a")
    owner = owners[LANE]
    other, lan = other_than(owner), person(zalo, "Lan", friend=False)
    browser = signed_in(desk.operators[other])
    say(zalo, lan, "one")
    code = answers(zalo, 1)[0].rpartition(": ")[2][:8]
    assert code in browser.get("/people").text
    done = browser.post("/people/approve", account=LANE, code=code)
    assert done.said == [f"Approved: Lan ({lan}) may now write to {LANE}."]
    desk.answered(lan, "two")

    async with over_pipes(desk.operators["c"], "--allow", "send") as client:
        sent = await client.call("messages_send", conversation=f"{LANE}/user:{lan}", text="from afar")
        assert sent["name"] == "Lan"
    assert answers(zalo, 1) == ["from afar"]

    third = desk.operators["c"]  # its own console says what the nodes say, and not that nothing runs
    with running(
        third.command("console", "--listen", "127.0.0.1:0"), third.env, subprocess.STDOUT
    ) as serving:
        link = line_with(serving, "/sign-in").strip()
        page = Browser(link.partition("/sign-in")[0])
        assert page.post("/sign-in", link=link.rpartition("=")[2]).status == 200
        shown = page.get("/").text
    assert "not running on this machine; other nodes run accounts" in shown
    assert f"default on node {owner}" in shown
    assert ">ready<" in shown

    account = next(name for name, node in sorted(owners.items()) if name != LANE and node == owner)
    shop = zalo.do("/account", name="Shop")["uid"]
    live = Live(browser, f"/login/{account}/events")
    browser.post("/login/begin", account=account)
    live.until("experimental")
    browser.post("/login/accept", account=account, expendable="yes")
    live.until("A code is shown")
    zalo.do("/scan", account=shop)
    zalo.do("/confirm", account=shop)
    live.until("Linked as Shop")
    live.close()
    desk.nodes[owner].said(f"{account} is ready")


def test_what_passes_is_followed_and_what_is_forgotten_is_gone_on_all_nodes(desk: Machines) -> None:
    owner = desk.owners("a")[LANE]
    other, lan = other_than(owner), person(desk.zalo, "Lan", friend=False)
    operator = desk.operators[other]
    command = operator.command("debug", "--account", "default", "--for", "10m", "--json")
    with running(command, operator.env, subprocess.STDOUT) as looking:
        line_with(looking, "until_ms")
        say(desk.zalo, lan, "one")
        assert json.loads(line_with(looking, "send text"))
        (hint,) = answers(desk.zalo, 1)
        looking.send_signal(signal.SIGINT)
        looking.wait(30)
    desk.nodes[owner].said("the level debug ended")

    code = asked(operator, "pairing", "list")["requests"][0]["code"]
    assert code in hint
    assert operator.run("pairing", "approve", code).returncode == 0
    desk.answered(lan, "a secret of two")
    forgotten = operator.run("forget", "--person", lan)
    assert forgotten.returncode == 0, forgotten.stdout
    assert LANE in forgotten.stdout
    assert "a secret of two" not in operator.run("why", "--last", "5").stdout

    exported = operator.run("directory", "export", "--account", "default", "--refresh")
    assert exported.returncode == 0, exported.stdout
    assert "Lan" in exported.stdout

    # A node that stands still is not waited for without end, and nothing is half said.
    os.kill(desk.nodes[owner].pid, signal.SIGSTOP)
    told = desk.refused(other, "debug", "--account", "default", "--for", "1s")
    assert f"node {owner} has" in told
    assert "so nothing was done" in told
    stored = asked_status(operator)
    assert {name: one["node"] for name, one in stored.items()}[LANE] in (owner, "")
    assert stored[LANE]["phase"] != "ready"
    os.kill(desk.nodes[owner].pid, signal.SIGCONT)
