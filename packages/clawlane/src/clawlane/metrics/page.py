"""The page that Prometheus reads: all numbers of the process, for whoever may see them."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from clawlane.config.metrics import Metrics, token_of
from clawlane.config.secrets import SecretMissing
from clawlane.metrics.counters import Counters
from clawlane.metrics.gauges import Gauges
from clawlane.ops.context import OpContext

PATH = "/metrics"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """The numbers of one process, as text. `counters` is the observer that counts."""

    registry: CollectorRegistry
    counters: Counters
    gauges: Gauges
    context: Callable[[], OpContext]
    environ: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, context: Callable[[], OpContext], environ: Mapping[str, str]) -> Page:
        """A page whose counters stand at 0."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        gauges = Gauges(context)
        registry.register(gauges)
        ProcessCollector(registry=registry)
        return cls(registry, Counters(registry), gauges, context, environ)

    async def answer(self, request: web.Request, settings: Metrics) -> web.Response:
        """The numbers, if the request shows the token of the config where there is one."""
        try:
            token = token_of(settings, self.environ)
        except SecretMissing as error:
            log.error("nobody can read the metrics: %s", error)
            return web.Response(status=503, text="the token for metrics cannot be read; the log says why\n")
        shown = request.headers.get(hdrs.AUTHORIZATION, "").encode("utf-8", "surrogateescape")
        if token and not hmac.compare_digest(shown, f"Bearer {token}".encode()):
            headers = {hdrs.WWW_AUTHENTICATE: "Bearer"}
            return web.Response(status=401, text="metrics need the bearer token\n", headers=headers)
        return await self._numbers(request.headers.get(hdrs.ACCEPT, ""))

    async def _numbers(self, accepted: str) -> web.Response:
        config = self.context().config
        self.counters.known(map(str, config.accounts), (one.id for one in config.agents))
        await self.gauges.look()
        encode, content_type = _encoder(accepted)
        headers = {hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=encode(self.registry), headers=headers)


def _encoder(accepted: str) -> tuple[Callable[[Collector], bytes], str]:
    """The format that a reader asks for; the plain one where it asks for none that there is."""
    try:
        return choose_encoder(accepted)
    except (TypeError, ValueError):  # of a version that is no number
        return choose_encoder("")
