"""The recorded cases of encryption, signatures and checksums."""

from __future__ import annotations

import io
import json
import random
import re
import uuid
from base64 import b64decode
from typing import Any

import pytest

from vectors_harness.vectors import Case
from zaloweb.errors import CipherError
from zaloweb.events import type_number
from zaloweb.wire import cipher
from zaloweb.wire.urls import with_query


@pytest.mark.family("crypto", fn="session_encrypt")
def test_session_encryption(case: Case) -> None:
    key = cipher.session_key(case["input"]["key_base64"])
    assert cipher.encrypt(key, case["input"]["text"]) == case["output"]


@pytest.mark.family("crypto", fn="session_decrypt")
def test_session_decryption(case: Case) -> None:
    key = cipher.session_key(case["input"]["key_base64"])
    assert cipher.decrypt(key, case["input"]["data"]).decode() == case["output"]


@pytest.mark.family("crypto", fn="login_encrypt")
def test_login_encryption(case: Case) -> None:
    given = case["input"]
    sealed = cipher.encrypt(given["key_text"].encode(), given["text"])
    if given["format"] == "hex":
        sealed = b64decode(sealed).hex()
    assert (sealed.upper() if given["upper_case"] else sealed) == case["output"]


@pytest.mark.family("crypto", fn="login_decrypt")
def test_login_decryption(case: Case) -> None:
    text = cipher.decrypt(case["input"]["key_text"].encode(), case["input"]["data"]).decode()
    assert (text if isinstance(case["output"], str) else json.loads(text)) == case["output"]


@pytest.mark.family("crypto", fn="login_key")
def test_login_key(case: Case) -> None:
    given, expected = case["input"], case["output"]
    zcid = cipher.zcid(given["api_type"], given["imei"], given["first_launch_ms"])
    key = cipher.login_key(zcid, given["zcid_ext"]).decode()
    assert {"zcid": zcid, "enc_ver": cipher.ENC_VER, "key": key} == expected


@pytest.mark.family("crypto", fn="zcid_ext_shape")
def test_shape_of_zcid_ext(case: Case) -> None:
    draw = random.Random(1)
    drawn = [cipher.new_zcid_ext(draw) for _ in range(case["input"]["draws"])]
    assert sorted({len(text) for text in drawn}) == case["output"]["lengths"]
    assert set("".join(drawn)) == set(case["output"]["alphabet"])


@pytest.mark.family("crypto", fn="sign_key")
def test_signature(case: Case) -> None:
    assert cipher.sign(case["input"]["type"], case["input"]["params"]) == case["output"]


@pytest.mark.family("crypto", fn="ws_decode")
def test_event_data(case: Case) -> None:
    key, frame = case["input"]["cipher_key"], case["input"]["frame"]
    if "error" in case:
        with pytest.raises((CipherError, ValueError)):
            opened(frame, key)
    else:
        assert opened(frame, key) == case["output"]


def opened(frame: dict[str, Any], key: str | None) -> Any:
    raw = cipher.open_event(frame.get("data", ""), frame["encrypt"], b64decode(key) if key else None)
    return json.loads(raw.decode("utf-8", "replace"))


@pytest.mark.family("crypto", fn="file_checksum")
def test_file_checksum(case: Case) -> None:
    assert cipher.file_checksum(io.BytesIO(case["input"]["bytes"])) == case["output"]


@pytest.mark.family("crypto", fn="new_imei")
def test_new_imei(case: Case) -> None:
    drawn = uuid.UUID(case["output"][:36])
    assert cipher.new_imei(case["input"]["user_agent"], drawn) == case["output"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", str(drawn))


@pytest.mark.family("crypto", fn="message_type_number")
def test_number_of_a_message_type(case: Case) -> None:
    assert type_number(case["input"]["msg_type"]) == case["output"]


@pytest.mark.family("crypto", fn="make_url")
def test_query_of_an_address(case: Case) -> None:
    # A call of ours gives the version or does not; the reference adds what of it is missing from the address.
    base, params = case["input"]["base"], case["input"]["params"]
    version = {"zpw_ver": "685", "zpw_type": "30"}
    missing = [(name, value) for name, value in version.items() if f"{name}=" not in base]
    pairs = [*((name, str(value)) for name, value in params.items()), *missing]
    assert with_query(base.removesuffix("?"), pairs) == case["output"]
