"""What a command must not wait for when it talks to the gateway."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clawlane.ops.operation import MODULES

ROOT = Path(__file__).parents[3]


_ONE_BY_ONE = """
import importlib, sys
for module in {modules}:
    importlib.import_module(module)
    if heavy := [name for name in {heavy} if name in sys.modules]:
        sys.exit(f"{{module}} imports {{heavy}}")
"""


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (["clawlane.ops.client"], ["aiohttp", "pydantic", "sqlite3", "cryptography", "asyncio"]),
        (
            ["clawlane.gateway.process"],
            [
                "rich",
                "PIL",
                "pydantic_ai",
                "openai",
                "mcp",
                "httpx2",
                "zaloweb",
                "jinja2",
                "argon2",
                "prometheus_client",
                "clawlane.console.site",
            ],
        ),
        (["clawlane.cli.directory"], ["asyncio", "sqlite3", "clawlane.messages", "clawlane.ops.context"]),
        (["clawlane.ops.pairing"], ["aiohttp", "pydantic", "rich"]),
        (
            [f"clawlane.ops.{module}" for module in MODULES],
            ["aiohttp", "pydantic", "cryptography", "json5", "rich"],
        ),
        (
            [
                "clawlane.messages",
                "clawlane.channel",
                "clawlane.capabilities",
                "clawlane.config.paths",
                "clawlane.config.errors",
                "clawlane.config.choices",
                "clawlane.access.decision",
                "clawlane.access.explain",
                "clawlane.access.pairing",
                "clawlane.access.context",
                "clawlane.access.rules",
            ],
            ["aiohttp", "pydantic", "cryptography", "sqlite3", "asyncio"],
        ),
    ],
    ids=lambda names: names[0],
)
def test_a_module_does_not_import_what_is_heavy(modules: list[str], heavy: list[str]) -> None:
    """Modules that must do without the same share an interpreter: none of them has it to give to the next."""
    script = _ONE_BY_ONE.format(modules=modules, heavy=heavy)
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


_COUNTING = """
import sys
from dataclasses import is_dataclass
import {module}
ours = {{name: vars(module).values() for name, module in sys.modules.items() if name.startswith("clawlane")}}
classes = {{name: [one for one in values if isinstance(one, type)] for name, values in ours.items()}}
print(sum(is_dataclass(one) and one.__module__ == name for name in classes for one in classes[name]))
"""


@pytest.mark.parametrize(
    ("command", "most"), [("status", 42), ("why", 42), ("pairing", 30), ("directory", 20)]
)
def test_a_quick_command_makes_few_dataclasses(command: str, most: int) -> None:
    """Each takes as long to make as forty structs of msgspec: half a millisecond of the operator's time."""
    script = _COUNTING.format(module=f"clawlane.cli.{command}")
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 0 < int(found.stdout) <= most


KINDS = """
import asyncio, sys
from pathlib import Path
from clawlane.agents.brains import brains
from clawlane.agents.opening import Shared
from clawlane.config.agents import Agents, Models
from clawlane.config.mcp import Mcp
from clawlane.config.routing import Bindings, settled

async def main(kind):
    brain = {"echo": {}, "endpoint": {"url": "http://x"}}.get(kind, {"command": ["true"]})
    agents = settled(Agents.model_validate({"defaults": {"brain": {"kind": kind, **brain}}}))
    shared = Shared(
        Models.model_validate({"providers": {"x": {"baseUrl": "http://x/v1"}}}),
        mcp=Mcp.model_validate({"servers": {"docs": {"command": "true"}}}),
    )
    async with brains(agents, Bindings((), "main", {}), {}, Path("/nowhere"), shared):
        heavy = ("pydantic_ai", "openai", "mcp", "httpx2", "genai_prices")
        print(kind, *(name for name in heavy if name in sys.modules))

for kind in sys.argv[1:]:
    asyncio.run(main(kind))
"""


def test_an_agent_without_a_model_leaves_the_libraries_for_models_alone() -> None:
    kinds = ["echo", "endpoint", "acp", "command"]
    done = subprocess.run([sys.executable, "-c", KINDS, *kinds], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == kinds


FIRST_REQUEST = """
import asyncio, sys
from clawlane.agents.budget import Ledger
from clawlane.agents.contract import TurnInput
from clawlane.agents.model_agent import ModelAgent
from clawlane.agents.providers import ProviderAccess, open_models
from clawlane.agents.toolbox import Toolbox
from clawlane.config.agents import Agents, Api, SessionSettings
from clawlane.config.routing import settled
from clawlane.messages import Inbound, Thread, ThreadKind
from demo.model_server import served

async def no_tools(turn):
    return Toolbox(())

async def main(server):
    [agent] = settled(Agents.model_validate({"defaults": {"model": "loopback/a"}}))
    turn = TurnInput("z/d", (Inbound("d", "m1", Thread(ThreadKind.DM, "1"), "1", "Lan", "hi", 0),))
    access = ProviderAccess("loopback", "", Api(sys.argv[1]), "k", server.url)
    async with open_models(["loopback/a"], {"loopback": access}) as models:
        brain = ModelAgent(agent, models, Ledger(agent), SessionSettings(), no_tools)
        before = set(sys.modules)
        reply = await brain.run(turn)
        print(reply is not None, *sorted(set(sys.modules) - before))

with served() as server:
    asyncio.run(main(server))
"""


@pytest.mark.parametrize("api", ["openai-completions", "openai-responses"])
def test_the_first_person_waits_for_no_import(api: str) -> None:
    command = [sys.executable, "-c", FIRST_REQUEST, api]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "True"
