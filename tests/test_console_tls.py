"""What is told about a certificate and key that the console cannot use, or that browsers will refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from clawlane.config.console import Tls
from clawlane.console import tls
from clawlane.ops.serving import ServiceUnusable

HOSTS = ("lane.example.org:18790",)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def files(folder: Path, made: trustme.LeafCert) -> Tls:
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    return Tls(cert=str(cert), key=str(key))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda cert, key: key.unlink(), "tls.key: {key} cannot be read: No such file or directory"),
        (lambda cert, key: cert.unlink(), "tls.cert: {cert} cannot be read: No such file or directory"),
        (lambda cert, key: cert.write_text("x"), "tls.cert: {cert} holds no certificate in PEM"),
        (lambda cert, key: key.write_bytes(cert.read_bytes()), "tls.key: {key} holds no private key in PEM"),
    ],
)
def test_each_fault_names_its_file(
    ca: trustme.CA, tmp_path: Path, harm: Callable[[Path, Path], None], told: str
) -> None:
    own = files(tmp_path, ca.issue_cert("lane.example.org"))
    harm(Path(own.cert), Path(own.key))
    with pytest.raises(ServiceUnusable) as raised:
        tls.context(own, HOSTS)
    assert str(raised.value) == f"console.public.{told.format(key=own.key, cert=own.cert)}"


def test_the_key_of_another_certificate(ca: trustme.CA, tmp_path: Path) -> None:
    own = files(tmp_path, ca.issue_cert("lane.example.org"))
    Path(own.key).write_bytes(ca.issue_cert("lane.example.org").private_key_pem.bytes())
    with pytest.raises(ServiceUnusable, match="is not the key of"):
        tls.context(own, HOSTS)


def test_what_browsers_will_refuse_is_warned_of(
    ca: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for names in (("lane.example.org",), ("*.example.org",)):
        tls.context(files(tmp_path, ca.issue_cert(*names)), HOSTS)
    assert not caplog.messages
    tls.context(files(tmp_path, ca.issue_cert("other.example.org")), HOSTS)
    assert "is not for lane.example.org: browsers will refuse it" in caplog.messages.pop()
    caplog.clear()
    ended = datetime(2020, 1, 2, tzinfo=UTC)
    tls.context(files(tmp_path, ca.issue_cert("lane.example.org", not_after=ended)), HOSTS)
    assert "ended on 2020-01-02: browsers will refuse it" in caplog.messages.pop()
