"""Where the key is that seals sessions, and what is derived from it."""

from __future__ import annotations

from pathlib import Path

from clawlane.credentials.sealing_key import KeyLocation, key_of_record


def test_the_config_counts_before_the_environment(tmp_path: Path) -> None:
    (tmp_path / "clawlane-key").write_bytes(bytes(32))
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert KeyLocation.of(tmp_path / "vault", {}).path == tmp_path / "vault" / "key"
    assert KeyLocation.of(tmp_path, environ).set_by == "CREDENTIALS_DIRECTORY"
    environ["CLAWLANE_KEY_FILE"] = "/k/variable"
    assert KeyLocation.of(tmp_path, environ).path == Path("/k/variable")
    found = KeyLocation.of(tmp_path, environ, "~/lane.key")
    assert (found.path, found.set_by) == (Path.home() / "lane.key", "secrets.keyFile")


def test_the_key_of_the_record_is_the_same_wherever_it_is_derived(tmp_path: Path) -> None:
    """Gateways compare digests by it: a changed derivation would make their records strangers."""
    (tmp_path / "key").write_text("07" * 32 + "\n")
    derived = key_of_record(KeyLocation(tmp_path / "key").read())
    assert derived.hex() == "1d957d650fb8466c6a3025776066be66340d0b2846a6452d7634053228f85f84"
    assert derived != KeyLocation(tmp_path / "key").read()
