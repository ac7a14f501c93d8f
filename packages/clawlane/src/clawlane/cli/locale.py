"""The language of a command: of CLAWLANE_LOCALE, the config file, or the terminal."""

from __future__ import annotations

from collections.abc import MutableMapping

from clawlane.config.written_locale import written_locale
from clawlane.texts import DOMAIN, ENGLISH, FOLDER, chosen, speak, t, told


def take_locale(environ: MutableMapping[str, str]) -> None:
    """Let this command speak its language, and click with it. Raises `CliError`."""
    written = written_locale(environ)
    try:
        name = chosen(environ, written)
    except ValueError as error:
        from clawlane.cli.failure import CliError

        speak(lambda: chosen({**environ, "CLAWLANE_LOCALE": ""}, written))
        raise CliError(told(error), t("unset it, or set one of them")) from None
    speak(lambda: name)
    if name != ENGLISH:
        import gettext

        # click asks gettext for its own words, and gettext the environment for the language.
        gettext.bindtextdomain(DOMAIN, FOLDER)
        gettext.textdomain(DOMAIN)
        environ["LANGUAGE"] = name
