"""How a story of several gateways ended, and whether every promise was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.nodes.plan import Trouble
from chaos.nodes.sockets import Pair
from chaos.nodes.trail import Act
from chaos.tally import Report
from clawlane.gateway.lease import MARGIN_S

REPLACED = 3000
"""The close code of a socket because another one was opened."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What came out.

    `late` are requests of a node for an account that it did not own when they arrived, of `acts` in all.
    `pairs` are sockets of one account that were live at the same time; `replaced` counts those that were
    closed because another had been opened. `takeovers` counts accounts that were claimed from a lost owner,
    `listed` what `openclaw outbox list` shows for the operator to decide. `codes` are those with which the
    gateways ended when they were told to, `deaths` those that they ended with otherwise, and `refusals`
    counts starts without a database.
    """

    report: Report
    listed: int
    acts: int
    late: Sequence[Act]
    pairs: Sequence[Pair]
    sockets: int
    replaced: int
    takeovers: int
    done: Mapping[Trouble, int]
    broken: Sequence[str]
    deaths: Sequence[int]
    refusals: int
    codes: Sequence[int]

    @property
    def beyond(self) -> list[Pair]:
        """Pairs of sockets that were live for longer than the margin."""
        return [pair for pair in self.pairs if pair.ms > 1000 * MARGIN_S]

    @property
    def well(self) -> bool:
        """Whether every promise was kept."""
        kept = self.report.clean and self.listed == self.report.held
        apart = not (self.late or self.beyond)
        return kept and apart and not (self.broken or self.deaths or any(self.codes))

    def __str__(self) -> str:
        longest = f"{self.pairs[0].ms / 1000:.2f} s" if self.pairs else "none"
        lines = [
            f"{self.report}, for the operator by 'outbox list' {self.listed}",
            f"requests without a lease {len(self.late)} of {self.acts}",
            f"accounts with two live sockets for more than {MARGIN_S:.0f} s {len(self.beyond)}"
            f" (longest {longest}; {self.sockets} sockets, {self.replaced} closed with {REPLACED})",
            f"accounts claimed from a lost node {self.takeovers}",
            "; ".join(f"{kind} {times}" for kind, times in self.done.items()),
            f"starts refused without a database {self.refusals}; exit codes {list(self.codes)}",
        ]
        lines += [f"fell over with {list(self.deaths)}"] if self.deaths else []
        return "\n".join([*lines, *map(str, self.late[:5]), *map(str, self.beyond[:5]), *self.broken])
