"""The tables of snapshots: policies of our own, rules, assignments, exclusions, runs with what they did, coverage."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Identity, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables import metadata

_TIME = DateTime(timezone=True)
_EMPTY = text("'{}'::jsonb")

# Policies beside the ones whose names say everything (daily_5).
snapshot_policy = Table(
    "snapshot_policy",
    metadata,
    Column("name", Text, primary_key=True),
    Column("cron", Text, nullable=False),  # five fields, weekdays by name
    Column("zone", Text, nullable=False, server_default=text("'UTC'")),
    Column("retention", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False, server_default=func.now()),
)

# Which volumes are under which policies; see engines.snapshots.rules for the shape of a rule.
snapshot_rule = Table(
    "snapshot_rule",
    metadata,
    Column("name", Text, primary_key=True),
    Column("rule", JSONB, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False, server_default=func.now()),
)

# What a person said of one volume, VM or project: on or off. The nearest one counts: volume, VM, project.
# written_at: when the volume's metadata in the cloud said the same. before: what to go back to, {row, values}.
snapshot_assignment = Table(
    "snapshot_assignment",
    metadata,
    Column("source", Text, primary_key=True),
    Column("kind", Text, primary_key=True),  # volume, vm or project
    Column("external_id", Text, primary_key=True),
    Column("policy", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("state", Text, nullable=False),  # on or off
    Column("retention", Integer),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("written_at", _TIME),
    Column("key", Text, nullable=False),  # of the step that set it
    Column("before", JSONB, nullable=False, server_default=_EMPTY),
)
Index("ix_snapshot_assignment_key", snapshot_assignment.c.key)

# What is left out, why and until when.
snapshot_exclusion = Table(
    "snapshot_exclusion",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),  # volume, vm or project
    Column("external_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", _TIME),  # None: until it is taken back
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False, server_default=func.now()),
)
Index("ix_snapshot_exclusion_object", snapshot_exclusion.c.source, snapshot_exclusion.c.external_id)

# One row a run: of a policy at a tick, or of a job that somebody asked for.
snapshot_run = Table(
    "snapshot_run",
    metadata,
    Column("key", Text, primary_key=True),  # daily_5@2026-11-24T02:00:00Z, or JOB-7
    Column("policy", Text, nullable=False),
    Column("tick", _TIME),
    Column("job_id", BigInteger, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("planned", Integer, nullable=False, server_default=text("0")),  # volumes
)
Index(
    "uq_snapshot_run_tick", snapshot_run.c.policy, snapshot_run.c.tick, unique=True,
    postgresql_where=text("tick IS NOT NULL"),
)  # fmt: skip
Index("ix_snapshot_run_policy", snapshot_run.c.policy, snapshot_run.c.started_at)

# What a run did with a volume; here before anything is made. state: intended, creating (the cloud has it), made,
# failed, quota_blocked, skipped, unsure (nobody knows whether it was made), cancelled.
snapshot_record = Table(
    "snapshot_record",
    metadata,
    Column("run", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("volume_id", Text, primary_key=True),
    Column("policy", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("volume_name", Text, nullable=False, server_default=text("''")),
    Column("size_gib", Integer, nullable=False, server_default=text("0")),
    Column("key", Text, nullable=False),  # in the snapshot's metadata: what it is found by
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("state", Text, nullable=False),
    Column("snapshot_id", Text),
    Column("detail", Text, nullable=False, server_default=text("''")),  # the cloud's own words
    Column("short_gib", Integer, nullable=False, server_default=text("0")),  # that were missing, when quota_blocked
    Column("begun_at", _TIME, nullable=False),
    Column("tried_at", _TIME),  # when the cloud was asked to make it last
    Column("ended_at", _TIME),
)
Index("ix_snapshot_record_key", snapshot_record.c.key, unique=True)
Index(
    "ix_snapshot_record_volume", snapshot_record.c.source, snapshot_record.c.volume_id, snapshot_record.c.policy,
    snapshot_record.c.begun_at,
)  # fmt: skip

# Snapshots that retention took away. state: asked (of the cloud), gone, failed.
snapshot_removal = Table(
    "snapshot_removal",
    metadata,
    Column("source", Text, primary_key=True),
    Column("snapshot_id", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("project_id", Text, nullable=False),
    Column("volume_id", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("why", Text, nullable=False),  # expired, broken or room
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("at", _TIME, nullable=False),
)
Index("ix_snapshot_removal_run", snapshot_removal.c.run)

# VMs that were held still for a snapshot; here before they are.
snapshot_pause = Table(
    "snapshot_pause",
    metadata,
    Column("key", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("vm_id", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("resumed_at", _TIME),
)

# How many volumes of a project were in which state on a day; policy '' counts each volume once, by its best.
coverage_day = Table(
    "coverage_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("project_id", Text, primary_key=True),
    Column("policy", Text, primary_key=True),
    Column("domain_id", Text),
    Column("states", JSONB, nullable=False),  # {compliant: 12, late: 1}
    Column("at", _TIME, nullable=False),
)
