"""The console's own TLS: its certificate and key, and what is wrong with them in words."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from clawlane.config.console import Tls
from clawlane.ops.serving import ServiceUnusable
from clawlane.texts import later, t

log = logging.getLogger(__name__)

_LARGEST_FILE = 1 << 20


def context(tls: Tls, hosts: Sequence[str]) -> ssl.SSLContext:
    """What the console's socket speaks TLS with. Raises `ServiceUnusable`.

    A certificate that browsers will refuse, since it is over or for other names, is served and warned of.
    """
    cert, key = os.path.expanduser(tls.cert), os.path.expanduser(tls.key)
    own = _certificate(cert)
    _check_key(key)
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # without a password OpenSSL would ask for that of a locked key on the terminal, and wait
        made.load_cert_chain(cert, key, password="")
    except (OSError, ValueError) as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            told = later("console.public.tls: {key} is not the key of {cert}", key=key, cert=cert)
        else:
            told = later("console.public.tls cannot be used: {error}", error=str(error))
        raise ServiceUnusable(told) from None
    _warn(cert, own, hosts)
    return made


def _certificate(path: str) -> x509.Certificate:
    """The first certificate of the file, which is the console's own."""
    try:
        return x509.load_pem_x509_certificates(_read("cert", path))[0]
    except ValueError:
        raise ServiceUnusable(
            later("console.public.tls.cert: {file} holds no certificate in PEM", file=path)
        ) from None


def _check_key(path: str) -> None:
    try:
        load_pem_private_key(_read("key", path), None)
    except TypeError:
        told = later(
            "console.public.tls.key: {file} is locked by a password; give one that is not", file=path
        )
        raise ServiceUnusable(told) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ServiceUnusable(
            later("console.public.tls.key: {file} holds no private key in PEM", file=path)
        ) from None


def _read(which: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST_FILE)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        told = later(
            "console.public.tls.{which}: {file} cannot be read: {why}", which=which, file=path, why=why
        )
        raise ServiceUnusable(told) from None


def _warn(path: str, own: x509.Certificate, hosts: Sequence[str]) -> None:
    """Log why browsers will refuse the certificate, if they will."""
    now, ends, begins = datetime.now(UTC), own.not_valid_after_utc, own.not_valid_before_utc
    if ends <= now:
        told = t("the certificate {file} ended on {day}: browsers will refuse it", file=path, day=ends.date())
        log.warning("%s", told)
    elif begins > now:
        told = t(
            "the certificate {file} is valid from {day} on: browsers will refuse it until then",
            file=path,
            day=begins.date(),
        )
        log.warning("%s", told)
    names = _names(own)
    for host in (one.partition(":")[0] for one in hosts):
        if host not in names and f"*.{host.partition('.')[2]}" not in names:
            told = t(
                "the certificate {file} is not for {host}: browsers will refuse it", file=path, host=host
            )
            log.warning("%s", told)


def _names(own: x509.Certificate) -> set[str]:
    """The names and addresses that it is for. Browsers do not read its common name."""
    try:
        alternatives = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    names = {one.lower() for one in alternatives.get_values_for_type(x509.DNSName)}
    return names | set(map(str, alternatives.get_values_for_type(x509.IPAddress)))
