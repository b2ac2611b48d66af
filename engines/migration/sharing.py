"""The bandwidth of those VMs that are copied at one time."""

import math
from collections.abc import Sequence

from engines.migration.runs import Run
from engines.migration.transfer import (
    Flow,
    Limit,
    Transfer,
    agent_limit,
    alone_limits,
    datastore_limit,
    fair_rates,
    host_limit,
    site_limits,
    stream_limit,
)

_SITE, _HOST, _STORE = "site", "host ", "datastore "


class Sharing:
    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._site = site_limits(transfer)[0]
        self._host, self._store = host_limit(transfer), datastore_limit(transfer)
        self._agent, self._stream = agent_limit(transfer), stream_limit(transfer)
        self._alone: dict[int, float] = {}
        self._capacities: dict[str, float] = {}
        self._flows: dict[int, Flow] = {}
        self._last: list[Run] = []
        self._rates: list[tuple[float, str]] = []

    def alone(self, run: Run) -> float:
        """MiB a second when nothing else is copied."""
        streams = run.job.streams
        if streams not in self._alone:
            self._alone[streams] = alone_limits(self._transfer, streams)[0].mib_s
        return self._alone[streams]

    def rates(self, runs: Sequence[Run]) -> list[tuple[float, str]]:
        """For each its rate, and the name of the limit that holds it back."""
        if runs != self._last:
            self._last, self._rates = list(runs), self._computed(runs) if runs else []
        return self._rates

    def _computed(self, runs: Sequence[Run]) -> list[tuple[float, str]]:
        streams = sum(run.job.streams for run in runs)
        many = self._transfer.many_streams_factor if streams > self._transfer.many_streams else 1.0
        self._capacities[_SITE] = self._site.mib_s * many
        flows = [self._flows.get(run.order) or self._flow(run) for run in runs]
        return [(rate, self._named(name)) for rate, name in fair_rates(flows, self._capacities)]

    def _flow(self, run: Run) -> Flow:
        host, store = _HOST + run.job.host, _STORE + run.job.datastore
        self._capacities[host], self._capacities[store] = self._host.mib_s, self._store.mib_s
        shared = (_SITE, host) if math.isinf(self._store.mib_s) else (_SITE, host, store)
        self._flows[run.order] = Flow(self._cap(run), shared)
        return self._flows[run.order]

    @property
    def site(self) -> str:
        return self._site.name

    def _cap(self, run: Run) -> Limit:
        streams = Limit(self._stream.name, self._stream.mib_s * max(1, run.job.streams))
        return streams if streams.mib_s <= self._agent.mib_s else self._agent

    def _named(self, name: str) -> str:
        if name == _SITE:
            return self._site.name
        return self._host.name if name.startswith(_HOST) else self._store.name if name.startswith(_STORE) else name
