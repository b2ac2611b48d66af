"""What Prometheus scrapes at /metrics: what this process did, and what the database says of the whole."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_Row = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class _Gauge:
    """A gauge that one statement fills: its label columns first, then the value."""

    name: str
    help: str
    labels: tuple[str, ...]
    statement: str


_GAUGES = (
    _Gauge(
        "stackhand_sync_runs",
        "Runs on record, by source and how they ended.",
        ("source", "outcome"),
        "SELECT source, state, count(*) FROM sync_run GROUP BY source, state",
    ),
    _Gauge(
        "stackhand_data_age_seconds",
        "Age of the oldest complete listing, by source.",
        ("source",),
        "SELECT source, extract(epoch FROM now() - min(complete_at)) FROM listing"
        " WHERE complete_at IS NOT NULL GROUP BY source",
    ),
    _Gauge(
        "stackhand_listings_failing",
        "Kinds whose last listing was not complete, by source.",
        ("source",),
        "SELECT source, count(*) FILTER (WHERE outcome <> 'complete') FROM listing GROUP BY source",
    ),
    _Gauge(
        "stackhand_resources",
        "Rows of the last complete listing, by source and kind.",
        ("source", "kind"),
        "SELECT source, kind, rows FROM listing",
    ),
    _Gauge(
        "stackhand_outbox_pending",
        "Messages that wait to be sent, by way out.",
        ("surface",),
        "SELECT surface, count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL GROUP BY surface",
    ),
    _Gauge(
        "stackhand_jobs",
        "Background jobs on record, by state.",
        ("state",),
        "SELECT s, (SELECT count(*) FROM job WHERE state = s) FROM"
        " unnest(ARRAY['waiting', 'running', 'done', 'failed', 'cancelled', 'unsure', 'expired']) AS s",
    ),
    _Gauge(
        "stackhand_workers",
        "Workers of jobs that have shown a sign of life within 30 seconds.",
        (),
        "SELECT count(*) FROM worker WHERE beat > clock_timestamp() - interval '30 s'",
    ),
    _Gauge(
        "stackhand_job_wait_seconds",
        "How long the oldest waiting job waits; 0 when none does.",
        (),
        "SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM job WHERE state = 'waiting'",
    ),
)


class Metrics:
    """The counters of one process. Each instance has its own registry, so that two never share a number."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._messages = Counter(
            "stackhand_messages", "Messages answered, by intent and outcome.", ("intent", "outcome"),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "stackhand_answer_seconds", "Time from message to reply.", registry=self._registry, buckets=_SECONDS
        )
        self._refused = Counter(
            "stackhand_refused_deliveries", "Deliveries that were not taken, by why.", ("surface", "reason"),
            registry=self._registry,
        )  # fmt: skip
        self._errors = Counter(
            "stackhand_errors", "Failures that nobody expected, by where.", ("where",), registry=self._registry
        )

    def answered(self, intent: str | None, outcome: str, seconds: float) -> None:
        """`intent` is a name of the catalogue, which keeps the number of label values small; None: no intent."""
        self._messages.labels(intent or "none", outcome).inc()
        self._seconds.observe(seconds)

    def refused(self, surface: str, reason: str) -> None:
        """`reason` is one of a few fixed words."""
        self._refused.labels(surface, reason).inc()

    def failed(self, where: str) -> None:
        self._errors.labels(where).inc()

    async def page(self, connection: AsyncConnection | None) -> bytes:
        """The exposition text; without a connection the database's own figures are left out and `up` is 0."""
        families = [
            _family("stackhand_database_up", "Whether the database answered.", (), [((), float(bool(connection)))])
        ]
        if connection is not None:
            for gauge in _GAUGES:
                rows = (await connection.execute(text(gauge.statement))).all()
                families.append(_family(gauge.name, gauge.help, gauge.labels, map(_split, rows)))
        snapshot = CollectorRegistry()
        snapshot.register(_Snapshot(families))
        return generate_latest(self._registry) + generate_latest(snapshot)


class _Snapshot(Collector):
    def __init__(self, families: Sequence[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return iter(self._families)


def _split(row: Sequence[Any]) -> _Row:
    return tuple(str(value) for value in row[:-1]), float(row[-1])


def _family(name: str, help_: str, labels: Sequence[str], rows: Iterable[_Row]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family
