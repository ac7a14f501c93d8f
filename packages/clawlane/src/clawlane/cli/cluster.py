"""`cluster`: the nodes that share a database, and moving accounts between them."""

from __future__ import annotations

import click

from clawlane.cli.options import json_option
from clawlane.cli.output import echo_wrapped, print_json
from clawlane.clock import length
from clawlane.ops.client import Client
from clawlane.ops.cluster import (
    AccountStanding,
    ClusterStanding,
    DrainNode,
    GetCluster,
    MoveAccount,
    NodeStanding,
    is_there,
)
from clawlane.ops.exit_codes import Exit
from clawlane.texts import t
from clawlane.words.times import when


@click.group()
def cluster() -> None:
    """See which node runs what, and move accounts between nodes."""


@cluster.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show all nodes, and who runs each account.

    Ends with 2 while no node runs one of them, or one that does has missed a beat.

    \b
    Examples:
      openclaw cluster status
      openclaw cluster status --json
    """
    found = Client().call(GetCluster())
    if as_json:
        print_json(ok=not (found.stopped or found.late), cluster=found)
    else:
        if not found.nodes:
            echo_wrapped(t("No node has entered yet: start a gateway."))
        elif not any(map(is_there, found.nodes)):
            echo_wrapped(t("No node runs: start a gateway."))
        for node in found.nodes:
            echo_wrapped(_of_node(node, late=node.name in found.late), hanging="    ")
        for account in found.accounts.values():
            echo_wrapped(_of_account(account, found), hanging="    ")
        for one in found.unmatched:
            told = t(
                "No node that runs has the labels that {account} wants (runOn): {labels}",
                account=one.account,
                labels=", ".join(one.labels),
            )
            echo_wrapped(told, hanging="    ")
    if found.stopped or found.late:
        ctx.exit(Exit.DEGRADED)


@cluster.command()
@click.argument("node")
@click.option("--end", is_flag=True, help="Let it take accounts again.")
@json_option
def drain(node: str, end: bool, as_json: bool) -> None:
    """Have a node give up its accounts, as others have room for them.

    It goes on with those that nobody else can take.

    \b
    Examples:
      openclaw cluster drain hanoi
      openclaw cluster drain hanoi --end
    """
    done = Client().call(DrainNode(node, end))
    if as_json:
        print_json(drained=done)
        return
    told = t("Node {node} takes accounts again; it runs {n}.", node=done.name, n=done.count)
    if done.draining and not done.takers:
        told = t(
            "Node {node} gives up its accounts, but no other node runs that takes any: it goes on with {n}.",
            node=done.name,
            n=done.count,
        )
    elif done.draining:
        told = t(
            "Node {node} gives up {n} accounts, as others take them; see: openclaw cluster status",
            node=done.name,
            n=done.count,
        )
    echo_wrapped(told)


@cluster.command()
@click.argument("account")
@click.argument("node")
@json_option
def move(account: str, node: str, as_json: bool) -> None:
    """Have a node run an account.

    A node that runs it stops it first, after its messages in flight. One that is lost is declared dead by
    this: make sure that it is, and cannot come back, for what it was sending may be sent again.

    \b
    Examples:
      openclaw cluster move zalouser/shop hanoi
    """
    done = Client().call(MoveAccount(account, node))
    if as_json:
        print_json(moved=done)
        return
    if done.was == done.node:
        told = t("{account} stays on node {node}.", account=done.account, node=done.node)
    elif done.lost:
        told = t(
            "{account} moves to node {node}; node {was} counts as dead for it.",
            account=done.account,
            node=done.node,
            was=done.was,
        )
    else:
        told = t("{account} moves to node {node}.", account=done.account, node=done.node)
    echo_wrapped(told)


def _of_node(one: NodeStanding, *, late: bool) -> str:
    if one.ended:
        state = t("has stopped")
    elif late:
        state = t("may be lost: its last beat was {age} ago", age=length(one.beat_age_ms))
    elif one.alive:
        state = t("gives up its accounts") if one.draining else t("runs")
    else:
        state = t("is lost: its last beat was {age} ago", age=length(one.beat_age_ms))
    limit = "" if one.max_accounts is None else f"/{one.max_accounts}"
    labels = "".join(f", {label}" for label in one.labels)
    told = t("{name} {state}; accounts: {n}", name=one.name, state=state, n=f"{one.count}{limit}")
    return told + labels


def _of_account(one: AccountStanding, found: ClusterStanding) -> str:
    since = when(one.since_ms, found.now_ms)
    if one.runs:
        told = t("{account} runs on {node} since {time}", account=one.account, node=one.node, time=since)
    elif one.node:
        told = t("{account} does not run; it was on {node}", account=one.account, node=one.node)
        if not one.wanted and _may_move(one, found):
            told += "; " + t("to run it elsewhere: openclaw cluster move {account} NODE", account=one.account)
    else:
        told = t("{account} has not run yet", account=one.account)
    if one.wanted:
        told += "; " + t("moves to {node}", node=one.wanted)
    if one.undecided:
        told += "; " + t("{n} messages wait for you: openclaw outbox list", n=one.undecided)
    return told


def _may_move(one: AccountStanding, found: ClusterStanding) -> bool:
    """Whether some node could run it."""
    return any(map(is_there, found.nodes)) and all(one.account != other.account for other in found.unmatched)
