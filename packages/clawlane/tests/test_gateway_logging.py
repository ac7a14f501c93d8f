"""What the log keeps to itself."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from clawlane.gateway.logging import logging_to
from clawlane.gateway.redaction import LONGEST_TEXT, capped, redact

SECRET = "Xy12abCD"


@pytest.mark.parametrize(
    "text",
    [
        f"Cookie: zpsid={SECRET}; zpw_sek=9{SECRET}",
        f"Set-Cookie: zpw_sek={SECRET}; Path=/; HttpOnly",
        f"GET /login?imei={SECRET}&zpw_ver=671",
        f'{{"zpw_enk": "{SECRET}", "uid": "1"}}',
        f"{{'secretKey': '{SECRET}'}}",
        f"access_token={SECRET}",
        f"password = {SECRET}",
        f"qr token: {SECRET}",
        "A" * 60 + SECRET + "B" * 60,
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    assert SECRET not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "zalouser/default: admit from 1471383327500481391 in dm:1471383327500481391: dm_open",
        "the store could not be written (disk full); check free space and permissions",
        "agents.list[1].budget.tokensPerDay: 435 of 100 tokens are spent today",
        "turn 5 failed (agents.defaults.maxTokens: no answer after 600 tokens)",
        "zalouser/default is needs_login: nobody is in; run: openclaw channels login --channel zalouser",
    ],
)
def test_the_rest_stays(text: str) -> None:
    assert redact(text) == text


def test_the_file_is_private_json_without_secrets_even_in_tracebacks(tmp_path: Path) -> None:
    with logging_to(tmp_path / "logs") as file:
        try:
            raise ValueError(f"zpw_sek={SECRET}")
        except ValueError:
            logging.getLogger("clawlane.test").exception("failed with %s", f"token={SECRET}")
    [line] = file.read_text().splitlines()
    record = json.loads(line)
    assert record["level"] == "ERROR"
    assert SECRET not in line
    assert "ValueError" in record["exc_info"]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["token", "a.token-b_c", "tokentoken", "x" * 50 + "imei"])
@pytest.mark.parametrize("separator", ["=", ": ", "' : '", '\\": \\"'])
def test_a_secret_is_known_by_its_name_however_it_is_written(name: str, separator: str) -> None:
    told = redact(f"before {name}{separator}{SECRET} after")
    assert SECRET not in told
    assert told.startswith(f"before {name}{separator}[redacted]")


def test_no_shape_of_text_makes_redaction_run_away() -> None:
    """With a search that goes back and tries again, some of these take minutes."""
    for text in ("a" * 64_000, "token" * 12_800, "token " * 10_000, "token=" * 10_000, "imei  " * 10_000):
        assert len(redact(text)) <= 2 * len(text)


def test_long_lines_are_cut_before_anybody_reads_them() -> None:
    assert len(capped("x y " * 100_000)) <= LONGEST_TEXT
    assert capped("one\ntwo") == "one\ntwo"
    assert SECRET not in redact(capped("x " * 950 + SECRET * 50))


def test_the_file_is_turned_over_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clawlane.gateway.logging._MAX_BYTES", 600)
    (tmp_path / "logs").mkdir(mode=0o700)
    (tmp_path / "logs" / "gateway.log").write_text("x" * 500 + "\n")
    with logging_to(tmp_path / "logs") as file:
        for number in range(4):
            logging.getLogger("clawlane.test").info("line %d ạ %s", number, "y " * 100)
    written = [json.loads(line)["message"] for line in file.read_text().splitlines()]
    assert written[-1].startswith("line 3")
    assert all(one.stat().st_size <= 600 for one in file.parent.iterdir())
    assert file.with_name("gateway.log.1").exists()
