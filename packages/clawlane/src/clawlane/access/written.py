"""Where the config wrote what the access rules go by: each value's path, origin and line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clawlane.access.decision import Rule
from clawlane.access.group_entries import GroupRule
from clawlane.config.linear import Pattern
from clawlane.config.origin import Level
from clawlane.config.patterns import compile_pattern
from clawlane.config.problems import written
from clawlane.config.setting_text import setting_text

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.config.load import Config
    from clawlane.config.settings import GroupEntry

_CLOSING_KEYS = ("allow", "enabled")


def below(path: str, *keys: str) -> str:
    """The path of a key below a written path: `groups` and `Work Chat` are `groups['Work Chat']`."""
    return path + written(("x", *keys))[1:]


class Written:
    """The config as one account sees it."""

    def __init__(self, config: Config, account: Account) -> None:
        self._config = config
        self._account = account
        self._keys = {written(path): path for path in config.source.keys}

    def rule(self, key: str) -> Rule:
        """Who set a channel key (`groupPolicy`) for the account; if that is nobody, where it can be set."""
        origin = self._config.effective(self._account, key).origin
        return Rule(origin.path, origin.level, origin.line, self._text(origin.path))

    def shared_rule(self, *path: str) -> Rule:
        """The same for a key outside the channel blocks."""
        return self._place(written(path), Level.DEFAULTS)

    def group_rules(self) -> Iterator[GroupRule]:
        """The keys of `groups`, in the order of the file."""
        groups = self.rule("groups")
        for key, entry in (self._account.settings.groups or {}).items():
            path = below(groups.path, key)
            yield GroupRule(
                key=key,
                rule=self._closing(path, groups.origin, entry),
                denies=not (entry.allow and entry.enabled),
                require_mention=entry.require_mention is not False,
                mention_rule=self._place(f"{path}.requireMention", groups.origin),
            )

    def mention_patterns(self) -> tuple[Pattern, ...]:
        """The patterns, compiled. The config has been checked to hold none that cannot be."""
        return tuple(map(compile_pattern, self._config.root.messages.group_chat.mention_patterns))

    def _closing(self, path: str, origin: str, entry: GroupEntry) -> Rule:
        """What closes the entry's group, or else the entry itself."""
        for key in _CLOSING_KEYS:
            if getattr(entry, key) is False:
                return self._place(f"{path}.{key}", origin)
        return self._place(path, origin)

    def _place(self, path: str, origin: str) -> Rule:
        """The rule at a path: of this origin if the file has the path, else built-in."""
        key = self._keys.get(path)
        if key is None:
            return Rule(path)
        return Rule(path, origin, self._config.source.keys[key].line, self._text(path))

    def _text(self, path: str) -> str:
        return setting_text(self._config.source, self._keys.get(path))
