"""Edits of the config that a browser was shown, until it says that they are to be written.

They are kept here and not in the page, for what is written may be a secret.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict

from clawlane.ops.config_edit import Set, Unset

_MOST = 100


class Edits:
    """The last edits of all browsers, each for the browser that made it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Set | Unset] = OrderedDict()

    def keep(self, browser: str, edit: Set | Unset) -> str:
        """Gives the token by which the browser can take it."""
        token = secrets.token_urlsafe(16)
        self._kept[browser, token] = edit
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return token

    def take(self, browser: str, token: str) -> Set | Unset | None:
        """The edit, once; None for what another browser made, or what is not kept any more."""
        return self._kept.pop((browser, token), None)
