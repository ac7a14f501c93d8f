"""A real browser: Debian's chromium, driven by playwright. Without it tests are skipped; in CI they fail."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.stage import Gateway, Operator
from end_to_end.browsing import link_of
from end_to_end.conftest import engine, gateway, installed, linked, operator, plugin_record, state, zalo
from end_to_end.steps import listening

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["engine", "gateway", "installed", "linked", "operator", "plugin_record", "state", "zalo"]

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
INSTALL = ["install", "--no-package-lock", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CONSOLE = "console: { enabled: true, listen: '127.0.0.1:0' }"


def absent(why: str) -> None:
    """Without a browser there is nothing to see: skipped on a machine, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why}, and CI must run the browser")
    pytest.skip(why)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed: make browser")
    program = shutil.which("chromium")
    if program is None:
        absent("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The code of axe, which looks for what keeps people out."""
    npm = shutil.which("npm")
    if not AXE.exists():
        if npm is None:
            absent("npm is not installed")
        run = subprocess.run([str(npm), *INSTALL], cwd=HERE, capture_output=True, text=True, check=False)
        if run.returncode:
            absent(f"npm could not install axe-core: {run.stderr.strip().splitlines()[-1:]}")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture
def config_text() -> str:
    channel = "zalouser: { dmPolicy: 'pairing', groupPolicy: 'disabled', pacing: { enabled: false } }"
    return f"{{ channels: {{ {channel} }}, {CONSOLE} }}"


@pytest.fixture
def console(linked: Operator, gateway: Gateway) -> str:
    """A link into the console of a lane that is up."""
    listening(gateway)
    gateway.said("the console listens on")
    return link_of(linked)


@pytest.fixture
def new_console(installed: Operator, gateway: Gateway) -> str:
    """A link into the console of a gateway on whose account nobody has logged in yet."""
    gateway.start()
    gateway.said("the console listens on")
    return link_of(installed)


class Watched:
    """What a page said on its console, and whom it asked."""

    def __init__(self, page: Page) -> None:
        self.told: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda one: self.told.append(f"{one.type}: {one.text}"))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("request", lambda asked: self.hosts.add(asked.url.split("/")[2]))


def faults(page: Page, axe: str) -> list[str]:
    """What axe finds that is serious or critical."""
    page.evaluate(axe)
    found = json.loads(page.evaluate("async () => JSON.stringify((await axe.run()).violations)"))
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
