"""`support-bundle`: what it holds beside a gateway, without one and with a broken setup, and what never."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import tarfile
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.config.paths import Paths
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import answers, asked, listening, person, say
from end_to_end.terminal import ENTER, terminal

PERSON, STRANGER, GROUP = "Đặng Hải Uyên", "Quách Tĩnh Nghi", "Hội Đồng Hương Kỳ Anh"
SAID, PROMPT = "chìa khóa dưới chậu hoa giấy", "Bạn là quản gia nhà họ Quách"
PHONE, TOKEN, PASSWORD, PIN = "0987 654 321", "tok_9f8e7d6c5b4a3210", "hunter-Zwölf-2024", 482913
ACCOUNT, GROUP_ID = "quach-gia", "7194444455555666667"
COOKIE = "zpw_sek=NQ8r.431122.a0.Vx7PlantedCookieValue"
HOST = "server.status.invalid"
PLANTED = (PERSON, STRANGER, GROUP, SAID, PROMPT, PHONE, TOKEN, PASSWORD, ACCOUNT, GROUP_ID, COOKIE, HOST)
PIECES = (
    "server.status",
    "Uyên",
    "Nghi",
    "Quách",
    "quach",
    "654 321",
    "9f8e7d6c",
    "hunter",
    "Vx7Planted",
    "chậu",
)


@pytest.fixture
def config_text() -> str:
    config = {
        "channels": {
            "zalouser": {
                "enabled": True,
                "dmPolicy": "pairing",
                "allowFrom": [STRANGER],
                "groups": {GROUP: {"enabled": False}, GROUP_ID: {"requireMention": True}},
                "acks": "off",
                "pacing": {"gap": "0s", "gapJitter": "0s"},
                "alerts": {"webhook": {"url": f"https://{HOST}/{TOKEN}", "secret": PASSWORD * 3}},
                "accounts": {"default": {}, ACCOUNT: {"enabled": False}},
            }
        },
    }
    return json.dumps(config, ensure_ascii=False)


class Bundle:
    """A bundle that was written, and everything that is in it."""

    def __init__(self, file: Path) -> None:
        self.mode = stat.S_IMODE(file.stat().st_mode)
        with tarfile.open(file) as archive:
            self.files = {
                one.name.rpartition("/")[2]: archive.extractfile(one).read()  # type: ignore[union-attr]
                for one in archive
            }

    def json(self, name: str) -> dict[str, object]:
        return dict(json.loads(self.files[name]))

    def hides(self, *secrets: str) -> None:
        """No file holds one of them, however it is written."""
        whole = b"\n".join((*self.files.values(), *map(str.encode, self.files)))
        found = [one for one in secrets for form in forms(one) if form in whole]
        assert found == []


def forms(secret: str) -> set[bytes]:
    """A secret as it may be written: plain, escaped, for a URL, in hex, in base64 at each offset."""
    raw = secret.encode()
    written = {secret, secret.casefold(), secret.upper(), json.dumps(secret)[1:-1], quote(secret, safe="")}
    written |= {quote_plus(secret), quote(secret), raw.hex(), repr(raw)[2:-1]}
    for ahead in range(3 if len(raw) > 8 else 0):
        told = base64.b64encode(b"x" * ahead + raw).decode()
        written.add(told[(4 if ahead else 0) : len(told) - 4])
    return {one.encode() for one in written if one}


def written(operator: Operator, folder: Path, *flags: str) -> Bundle:
    file = folder / "b.tar.gz"
    told = asked(operator, "support-bundle", "--output", str(file), "--yes", "--force", *flags)
    assert told["file"] == str(file)
    assert told["size"] == file.stat().st_size
    bundle = Bundle(file)
    assert [one["name"] for one in told["parts"]] == list(bundle.files)
    assert [one["size"] for one in told["parts"]] == list(map(len, bundle.files.values()))
    return bundle


def plant_in_log(state: Path) -> None:
    """Lines that should never have been written, and one that is no line."""
    trace = f'Traceback (most recent call last):\n  File "/home/{ACCOUNT}/lane/x.py", line 3, in {TOKEN}\n'
    trace += f'    send("{SAID}")\nValueError: {SAID} {PHONE} {COOKIE}'
    for message, more in (
        (f"{PERSON} ({PHONE}) said {SAID!r}", {}),
        (f"zalouser/{ACCOUNT}: {json.dumps(PERSON)} {quote(SAID)} {TOKEN} {PASSWORD}", {"exc_info": trace}),
        (f"Cookie: {COOKIE}; {base64.b64encode(SAID.encode()).decode()}", {}),
    ):
        record = {"time": "2026-03-02T09:15:00.123+07:00", "level": "ERROR", "logger": PERSON}
        with (state / "logs" / "gateway.log").open("a", encoding="utf-8") as log:
            log.write(json.dumps({**record, "message": message, **more}) + f"\n{SAID} {TOKEN}\n")


def sealed_secrets(operator: Operator, state: Path) -> list[str]:
    """The cookies, the key and the device of the stored session."""
    import asyncio

    secret = asyncio.run(profiles_in(Paths.from_env(operator.env)).vault("zalouser", "default").read())
    assert secret is not None
    session = json.loads(secret)
    cookies = [one["value"] for one in session["cookie"] if len(one["value"]) > 5]
    return [session["secretKey"], session["imei"], session["uid"], *cookies]


@pytest.mark.long
def test_nobody_and_nothing_that_was_said_is_in_it(
    linked: Operator, gateway: Gateway, zalo: Simulator, state: Path, tmp_path: Path
) -> None:
    listening(gateway)
    ids = [person(zalo, PERSON, friend=False), person(zalo, STRANGER)]
    say(zalo, ids[0], SAID)
    answers(zalo, 1)
    (state / "media" / "inbound").mkdir(parents=True, exist_ok=True)
    (state / "media" / "inbound" / f"{PERSON} {TOKEN}.jpg").write_bytes(SAID.encode())
    plant_in_log(state)
    hidden = (*PLANTED, *PIECES, *ids, str(tmp_path), *sealed_secrets(linked, state))

    beside = written(linked, tmp_path)
    beside.hides(*hidden)
    assert beside.mode == 0o600
    assert beside.json("status.json")["gateway"] != "the gateway is not running"
    assert b"zalouser/default is ready" in beside.files["log.txt"]
    assert b"challenge person-" in beside.files["log.txt"]
    assert b"ValueError" in beside.files["log.txt"]
    assert beside.json("store.json")["check"] == []
    assert beside.json("config.json")["problems"] == []

    gateway.stop()
    alone = written(linked, tmp_path)
    alone.hides(*hidden)
    assert alone.json("status.json")["gateway"] == "the gateway is not running"
    assert b'"phase"' in alone.files["status.json"]

    config = (state / "config.json5").read_text()
    (state / "config.json5").write_text(config.replace(f'"{PASSWORD * 3}"', str(PIN)))
    digits = written(linked, tmp_path)
    digits.hides(*hidden, str(PIN))
    assert digits.json("config.json")["problems"]

    (state / "config.json5").write_text(config[:-2] + f" '{SAID}")
    broken = written(linked, tmp_path)
    broken.hides(*hidden)
    assert broken.files["config.json"].startswith(b"cannot be read: ConfigError: ")
    assert b"config.json: " in broken.files["about.txt"]
    assert broken.json("store.json")["check"] == []

    (state / "store.sqlite").write_bytes(os.urandom(8192) + SAID.encode())
    for beside_it in ("-wal", "-shm"):
        (state / f"store.sqlite{beside_it}").unlink(missing_ok=True)
    lost = written(linked, tmp_path)
    lost.hides(*hidden)
    assert b"file is not a database" in lost.files["store.json"]
    shutil.rmtree(state / "logs")
    nothing = written(linked, tmp_path)
    assert nothing.files["log.txt"] == b"no lines\n"


@pytest.mark.long
def test_it_is_listed_and_asked_for_and_replaces_nothing(installed: Operator, tmp_path: Path) -> None:
    file = tmp_path / "mine.tar.gz"
    unasked = installed.run("support-bundle", "--output", str(file))
    assert (unasked.returncode, file.exists()) == (1, False)
    assert "nobody can be asked whether to write it; say so with --yes" in unasked.stdout
    for answer, exists in (("n", False), ("y", True)):
        command = installed.command("support-bundle", "--output", str(file))
        with terminal(command, installed.env, columns=80, rows=40) as screen:
            screen.shows("versions.json", "log.txt", "Not in it: what people write", "Write it to")
            screen.press(answer, ENTER)
            assert screen.ended() == (0 if exists else 1)
        assert file.exists() is exists
    before = file.read_bytes()
    again = installed.run("support-bundle", "--output", str(file), "--yes")
    assert (again.returncode, file.read_bytes()) == (1, before)
    assert "exists already; name another file, or replace it with --force" in again.stdout
    assert installed.run("support-bundle", "--output", str(tmp_path), "--yes").returncode == 1
