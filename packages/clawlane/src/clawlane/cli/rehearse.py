"""`rehearse`: the operator's own config with the real gateway, against a simulator."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clawlane.cli.failure import CliError
from clawlane.cli.options import channel_option, json_option
from clawlane.cli.output import echo_wrapped, print_json, print_table
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize

if TYPE_CHECKING:
    from clawlane.rehearsal.scenario import Scenario
    from clawlane.rehearsal.simulators import Rehearsed
    from clawlane.rehearsal.stage import Play

_FAILED = 1
_STOPPED = 2
_SAFEST = "{{ channels: {{ {channel}: {{ enabled: true }} }} }}\n"


@click.command()
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The config to rehearse (default: your own).",
)
@click.option(
    "--scenario", "names", multiple=True, metavar="NAME|FILE", help="Play this one; may be repeated."
)
@click.option("--all", "everything", is_flag=True, help="Play every scenario that comes with the channel.")
@click.option("--list", "listing", is_flag=True, help="List the scenarios.")
@click.option("--interactive", is_flag=True, help="Be anybody and write; /help shows how.")
@click.option("--agents", is_flag=True, help="Ask the agents of the config, which may cost money.")
@click.option(
    "--keep", is_flag=True, help="Keep the folder with config, store and logs, and say where it is."
)
@channel_option("The channel (default: the one with a simulator).")
@json_option
def rehearse(
    config_file: Path | None,
    names: tuple[str, ...],
    everything: bool,
    listing: bool,
    interactive: bool,
    agents: bool,
    keep: bool,
    channel: str | None,
    as_json: bool,
) -> int:
    """Try a config with the real gateway, against a simulator.

    Without a scenario it plays first-contact and shows who gets in. Everything happens in a throw-away
    folder: your sessions and your store are not touched, no agent is asked unless you say --agents, and
    nothing reaches the platform.

    \b
    Examples:
      openclaw rehearse
      openclaw rehearse --config new.json5 --scenario noisy-group
      openclaw rehearse --interactive

    \b
    Exit code:
      0  all went as expected
      1  something did not
      2  stopped
    """
    from clawlane.config.paths import Paths
    from clawlane.rehearsal.simulators import find_rehearsed

    paths = Paths.from_env(os.environ)
    rehearsed = find_rehearsed(paths, channel)
    if listing:
        return _list(rehearsed, as_json)
    if interactive and (names or everything or as_json):
        raise CliError(t("--interactive stands alone"), t("leave --scenario, --all and --json out"))
    if config_file is None and paths.config_file.exists():
        config_file = paths.config_file
    show = _Show(as_json, agents=agents)
    scenarios = _scenarios(rehearsed, names, everything)
    show.head(rehearsed, config_file, scenarios)
    work = _Work(rehearsed, config_file, agents, keep, show)
    if interactive:
        return _run(work.interactive())
    return _run(work.play(scenarios, table=not (names or everything)))


def _run(work: Coroutine[Any, Any, int]) -> int:
    """The exit code of the work; a signal ends it in order."""

    async def main() -> int:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        click.echo(t("Stopped."), err=True)
        return _STOPPED


class _Show:
    """What is printed while a rehearsal goes on; for programs one object at the end."""

    def __init__(self, as_json: bool, *, agents: bool) -> None:
        self.as_json = as_json
        self._agents = agents
        self._told: list[dict[str, Any]] = []
        self._reach: list[dict[str, Any]] = []

    def head(self, rehearsed: Rehearsed, config_file: Path | None, scenarios: Sequence[Scenario]) -> None:
        if self.as_json:
            return
        label = rehearsed.manifest.label
        echo_wrapped(t("Rehearsal against a simulated {label}: nothing reaches the real one.", label=label))
        if any(scenario.config is None for scenario in scenarios):
            built_in = t("There is no config yet: built-in settings")
            echo_wrapped(t("Config: {file}", file=config_file) if config_file else built_in)
        if self._agents:
            echo_wrapped(t("The agents of the config are asked; that may cost money."))

    def scenario(self, scenario: Scenario) -> None:
        if not self.as_json:
            click.echo()
            head = f"{scenario.name}: {scenario.title}"
            own = later("{scenario} (with a config of its own)")
            echo_wrapped(head if scenario.config is None else t(own, scenario=head))
            if scenario.about:
                echo_wrapped(scenario.about, "  ")

    def ended(self, scenario: Scenario, steps: list[dict[str, Any]], ok: bool, seconds: float) -> None:
        self._told.append({"name": scenario.name, "title": scenario.title, "ok": ok, "steps": steps})
        if not self.as_json:
            well, wrong = later("✓ as expected, {n:.1f} s"), later("✗ not as expected, {n:.1f} s")
            echo_wrapped(t(well if ok else wrong, n=seconds), "  ")

    def reach(self, tried: Sequence[Any], left_out: Sequence[str]) -> None:
        from clawlane.cli.rehearsal_words import show_reach, tried_dict

        self._reach = [tried_dict(one) for one in tried]
        if not self.as_json:
            show_reach(tried)
            for line in left_out:
                echo_wrapped(t("Not tried: {what}", what=sanitize(t(line), 200)))

    def end(self, ok: bool) -> None:
        if self.as_json:
            print_json(ok=ok, scenarios=self._told, reach=self._reach)


class _Work:
    """Plays one thing after another, each with a simulator and a gateway of its own."""

    def __init__(
        self, rehearsed: Rehearsed, config_file: Path | None, agents: bool, keep: bool, show: _Show
    ) -> None:
        self._rehearsed = rehearsed
        self._config_file = config_file
        self._agents = agents
        self._keep = keep
        self._show = show

    async def play(self, scenarios: Sequence[Scenario], *, table: bool) -> int:
        """The exit code."""
        with self._folder() as folder:
            results = [await self._scenario(scenario, folder / scenario.name) for scenario in scenarios]
            if table:
                await self._reach(folder / "who-gets-in")
        self._show.end(all(results))
        return 0 if all(results) else _FAILED

    async def _scenario(self, scenario: Scenario, folder: Path) -> bool:
        from clawlane.cli.rehearsal_words import show_step, step_dict
        from clawlane.rehearsal.playing import Player
        from clawlane.rehearsal.stage import staged

        started, steps, ok = time.monotonic(), [], True
        self._show.scenario(scenario)
        async with staged(self._staged(scenario), folder) as stage:
            player = Player(stage, scenario)
            async for result in player.play():
                ok = ok and not result.failed
                steps.append(step_dict(result))
                if not self._show.as_json:
                    show_step(result, player.names)
        self._show.ended(scenario, steps, ok, time.monotonic() - started)
        return ok

    async def _reach(self, folder: Path) -> None:
        from clawlane.rehearsal.reach import attempt_all, prepare
        from clawlane.rehearsal.stage import staged

        async with staged(self._staged(), folder) as stage:
            reach = await prepare(stage)
            if not self._show.as_json:
                click.echo()
                gets = later("Who gets in: {n} messages, one after the other.")
                echo_wrapped(t(gets, n=len(reach.attempts)))
            await stage.begin()
            tried = [one async for one in attempt_all(stage, reach)]
            self._show.reach(tried, reach.left_out)

    async def interactive(self) -> int:
        """Somebody writes, until they leave."""
        from clawlane.cli.rehearsal_prompt import converse
        from clawlane.rehearsal.reach import cast_config
        from clawlane.rehearsal.stage import staged

        with self._folder() as folder:
            async with staged(self._staged(), folder / "interactive") as stage:
                await cast_config(stage)
                await stage.begin()
                await converse(stage)
        return 0

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        from clawlane.rehearsal.folder import throw_away

        with throw_away(keep=self._keep) as folder:
            try:
                yield folder
            finally:
                if self._keep:
                    click.echo(t("Kept: {folder}", folder=folder), err=True)

    def _staged(self, scenario: Scenario | None = None) -> Play:
        """A scenario's own config, or else the operator's, or what is built in."""
        from datetime import UTC, datetime

        from clawlane.rehearsal import clock_marks
        from clawlane.rehearsal.stage import Play

        if scenario is not None and scenario.config is not None:
            name = f"{scenario.name}-config.json5"
            text = clock_marks.at(scenario.config, datetime.now(UTC))
            return Play(self._rehearsed, name, config_text=text, agents=self._agents)
        if self._config_file is None:
            text = _SAFEST.format(channel=self._rehearsed.manifest.id)
            return Play(self._rehearsed, config_text=text, agents=self._agents)
        return Play(self._rehearsed, config_file=self._config_file, agents=self._agents)


def _scenarios(rehearsed: Rehearsed, names: Sequence[str], everything: bool) -> list[Scenario]:
    """The scenarios to play. Raises `RehearsalError` for one that is not there or has mistakes."""
    from clawlane.rehearsal.scenario import load

    shipped = _shipped(rehearsed)
    if everything:
        return [load(file) for file in shipped.values()]
    return [load(_file(name, shipped)) for name in names or ("first-contact",)]


def _file(name: str, shipped: dict[str, Path]) -> Path:
    if name in shipped:
        return shipped[name]
    if Path(name).suffix in (".yaml", ".yml") or os.sep in name:
        return Path(name)
    from clawlane.config.errors import did_you_mean

    hint = did_you_mean(name, shipped) or "openclaw rehearse --list"
    none = later("there is no scenario '{name}', and it is no file NAME.yaml")
    raise CliError(t(none, name=sanitize(name)), hint)


def _shipped(rehearsed: Rehearsed) -> dict[str, Path]:
    return {file.stem: file for file in sorted(rehearsed.runtime.scenarios().glob("*.yaml"))}


def _list(rehearsed: Rehearsed, as_json: bool) -> int:
    from clawlane.rehearsal.scenario import load

    scenarios = [load(file) for file in _shipped(rehearsed).values()]
    if as_json:
        listed = [
            {"name": one.name, "title": one.title, "own_config": one.config is not None} for one in scenarios
        ]
        print_json(scenarios=listed)
        return 0
    rows = [
        (one.name, t("its own") if one.config is not None else t("yours"), one.title) for one in scenarios
    ]
    print_table((t("SCENARIO"), t("CONFIG"), t("WHAT HAPPENS")), rows)
    return 0
