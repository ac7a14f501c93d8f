"""What the log keeps to itself."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from clawlane.host.logs import logging_to, redact

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
        "the store could not be written (disk full); see to the disk",
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
