"""A channel whose plugin is not loaded, in words and as JSON."""

from __future__ import annotations

from clawlane.ops.channel_list import ChannelOff, PluginState
from clawlane.texts import later, t
from clawlane.words.strangers import sanitize
from clawlane.words.unofficial import UNOFFICIAL

_STATES = {
    PluginState.INSTALLED: later("installed"),
    PluginState.DISABLED: later("disabled"),
    PluginState.BROKEN: later("broken"),
    PluginState.AVAILABLE: later("not installed"),
}


def off_words(off: ChannelOff) -> str:
    """Why a channel is off, and what changes that: `Zalo Personal [zalouser]: disabled; …`."""
    note = f" ({t(UNOFFICIAL)})" if off.unofficial else ""
    state = t(_STATES[off.state])
    parts = (f"{state}: {sanitize(off.problem, 300)}" if off.problem else state, off.help)
    return f"{sanitize(off.label)} [{off.channel}]{note}: {'; '.join(filter(None, parts))}"


def told_off(off: ChannelOff | None) -> dict[str, str]:
    """The plugin of a channel for programs: its `state`, its `problem` if it has one, and the `help`."""
    if off is None:
        return {"state": PluginState.INSTALLED, "problem": "", "help": ""}
    return {"state": off.state, "problem": off.problem, "help": off.help}
