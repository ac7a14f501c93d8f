"""The channel of `docs/writing-a-channel.md`, built as the page shows, installed, and run by the gateway."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import json5
import pytest

from demo.stage import PATIENCE, Gateway, Operator

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-channel.md"
FILE = re.compile(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    """The folder of the distribution, with the files of the page."""
    folder = tmp_path / "folder-channel"
    for name, text in FILE.findall(PAGE.read_text(encoding="utf-8")):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def operator(channel: Path, tmp_path: Path) -> Operator:
    """An operator in whose Python the channel is, beside what the tests run with."""
    site = tmp_path / "site"
    pip = (
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    )
    subprocess.run([*pip, "--target", str(site), str(channel)], check=True)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    operator = Operator.at(state, "")
    operator.env["PYTHONPATH"] = str(site)
    del operator.env["ZALOWEB_NETWORK"]
    return operator


def arrived(file: Path, words: str) -> str:
    """The text of a file, once these words are in it."""
    give_up = time.monotonic() + PATIENCE
    while not file.exists() or words not in file.read_text(encoding="utf-8"):
        assert time.monotonic() < give_up, f"{words!r} never came"
        time.sleep(0.05)
    return file.read_text(encoding="utf-8")


def drop(file: Path, text: str) -> None:
    """Put a file there whole: the channel takes what it finds."""
    beside = file.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.rename(file)


@pytest.mark.long
def test_the_page_makes_a_channel_with_pairing_and_answers(
    operator: Operator, channel: Path, tmp_path: Path
) -> None:
    inbox, outbox = tmp_path / "drop" / "in", tmp_path / "drop" / "out"
    [block] = re.findall(r"^```json5\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    state = Path(operator.env["CLAWLANE_STATE_DIR"])
    (state / "config.json5").write_text(block.replace("/srv/folder", str(tmp_path / "drop")))
    assert json5.loads(block)["channels"]["folder"]["dmPolicy"] == "pairing"
    done = operator.run("plugins", "install", str(channel))
    assert done.returncode == 0, done.stdout
    with Gateway(operator) as gateway:
        gateway.start()
        gateway.said("is ready")
        drop(inbox / "42.txt", "hello")
        challenge = arrived(outbox / "42.txt", "42")
        listed = json.loads(operator.run("pairing", "list", "folder", "--json").stdout)
        code = listed["requests"][0]["code"]
        assert code in challenge
        approved = operator.run("pairing", "approve", "folder", code)
        assert approved.returncode == 0, approved.stdout
        drop(inbox / "42.txt", "hello again")
        arrived(outbox / "42.txt", "hello again")
        gateway.stop()


def test_the_page_is_complete(channel: Path) -> None:
    names = {str(path.relative_to(channel)) for path in channel.rglob("*") if path.is_file()}
    modules = ("__init__", "manifest", "settings", "channel")
    assert names == {"pyproject.toml", *(f"folder_channel/{name}.py" for name in modules)}
