"""The phases of an account in words."""

from __future__ import annotations

from clawlane.condition import Phase

PHASES = {
    Phase.STOPPED: "stopped",
    Phase.STARTING: "starting",
    Phase.CONNECTING: "connecting",
    Phase.READY: "ready",
    Phase.DEGRADED: "degraded",
    Phase.NEEDS_LOGIN: "needs a login",
    Phase.NEEDS_CONSENT: "needs its risk accepted",
    Phase.REPLACED: "replaced by another login",
    Phase.PAUSED: "paused",
    Phase.FAILED: "gave up",
}
