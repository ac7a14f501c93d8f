"""The phases of an account in words; `t` says them."""

from __future__ import annotations

from clawlane.condition import Phase
from clawlane.texts import later

PHASES = {
    Phase.STOPPED: later("stopped"),
    Phase.STARTING: later("starting"),
    Phase.CONNECTING: later("connecting"),
    Phase.READY: later("ready"),
    Phase.DEGRADED: later("degraded"),
    Phase.NEEDS_LOGIN: later("needs a login"),
    Phase.NEEDS_CONSENT: later("needs its risk accepted"),
    Phase.REPLACED: later("replaced by another login"),
    Phase.PAUSED: later("paused"),
    Phase.FAILED: later("gave up"),
}
