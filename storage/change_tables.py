"""The tables of changes: requests with their votes and cards, jobs with their steps, rules, freezes, schedules."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables import metadata

_TIME = DateTime(timezone=True)
_EMPTY = text("'{}'::jsonb")

# One row for each plan that somebody asked to be run. state: pending → approved, denied, withdrawn, expired or
# changed (a target was changed meanwhile); approved → running → done, failed, cancelled or unsure; approved → expired.
request = Table(
    "request",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),  # REQ-n for people
    Column("token", Text, nullable=False, unique=True),  # 128 random bits in hex: all that a button carries
    Column("kind", Text, nullable=False),  # of the plan: an intent such as snapshot_run
    Column("plan", JSONB, nullable=False),
    Column("digest", Text, nullable=False),
    Column("asker", Text, nullable=False),  # a person, or schedule:NAME
    Column("said", Text, nullable=False, server_default=text("''")),  # the sentence, to be said again
    Column("surface", Text, nullable=False, server_default=text("''")),  # where it was asked
    Column("channel", Text, nullable=False, server_default=text("''")),
    Column("conversation", Text, nullable=False, server_default=text("''")),
    Column("source", Text),  # of all its targets; None: several
    Column("project_id", Text),  # the same
    Column("mode", Text, nullable=False),  # at_once, confirm or approve
    Column("needed", Integer, nullable=False, server_default=text("0")),  # approvals by other people
    Column("approver_role", Text, nullable=False, server_default=text("''")),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("created_at", _TIME, nullable=False),
    Column("approve_by", _TIME, nullable=False),
    Column("run_within_s", Integer, nullable=False),
    Column("run_by", _TIME),  # set when it is approved
    Column("decided_at", _TIME),
    Column("decided_by", Text),
    Column("reason", Text, nullable=False, server_default=text("''")),  # of the decision, or of break-glass
    Column("break_glass", Boolean, nullable=False, server_default=text("false")),
    Column("reminded_at", _TIME),
    Column("ended_at", _TIME),
    Column("job_id", BigInteger),
)
Index("ix_request_open", request.c.approve_by, postgresql_where=text("state = 'pending'"))
Index("ix_request_asker", request.c.asker, request.c.id)
Index("ix_request_kind", request.c.kind, request.c.created_at)

# One row for each person who decided on a request: a person counts once, through whichever account.
request_vote = Table(
    "request_vote",
    metadata,
    Column("request_id", BigInteger, ForeignKey("request.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("verdict", Text, nullable=False),  # approve or deny
    Column("at", _TIME, nullable=False),
    Column("surface", Text, nullable=False, server_default=text("''")),
    Column("account", Text, nullable=False, server_default=text("''")),
    Column("reason", Text, nullable=False, server_default=text("''")),
)

# One row for each plan that is run. state: waiting, running, done, failed, cancelled, unsure, expired (never begun).
job = Table(
    "job",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),  # JOB-n for people
    Column("request_id", BigInteger, ForeignKey("request.id")),
    Column("kind", Text, nullable=False),
    Column("plan", JSONB, nullable=False),
    Column("source", Text),
    Column("project_id", Text),
    Column("asked_by", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("run_by", _TIME),  # when it has not begun by then it never does
    Column("started_at", _TIME),
    Column("ended_at", _TIME),
    Column("progress", JSONB, nullable=False, server_default=_EMPTY),  # {step, steps, name, done, of, counts, note}
    Column("outcome", JSONB, nullable=False, server_default=_EMPTY),  # {words, counts, left: [not undone]}
    Column("error", Text, nullable=False, server_default=text("''")),
    Column("fix", Text, nullable=False, server_default=text("''")),
    Column("cancel_by", Text),
    Column("cancel_at", _TIME),
    Column("workflow", Text),  # the workflow that began it: only that one goes on with it
    Column("runner", Text),  # the run of that workflow that goes on now: what another one writes is refused
    Column("parked", Boolean, nullable=False, server_default=text("false")),  # nothing is queued: it is to be woken
)
Index("uq_job_request", job.c.request_id, unique=True, postgresql_where=text("request_id IS NOT NULL"))
Index("ix_job_going", job.c.source, job.c.id, postgresql_where=text("state IN ('waiting', 'running')"))
Index("ix_job_parked", job.c.id, postgresql_where=text("parked"))

# What each step of a job did. It is begun before the act, so that a step that was cut off is known.
# state: begun, done, failed, given_up (faults did not end: it may be done), undone, undo_failed, unsure.
job_step = Table(
    "job_step",
    metadata,
    Column("job_id", BigInteger, ForeignKey("job.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("1")),
    Column("began_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("result", JSONB, nullable=False, server_default=_EMPTY),
    Column("error", Text, nullable=False, server_default=text("''")),
)

# The objects that a job holds while it waits or runs: one change at a time for each of them, the first come first.
job_target = Table(
    "job_target",
    metadata,
    Column("job_id", BigInteger, ForeignKey("job.id"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
)
Index("ix_job_target_object", job_target.c.source, job_target.c.kind, job_target.c.external_id)

# Workers that are alive; one whose beat is old is dead, and its work is taken over.
worker = Table(
    "worker",
    metadata,
    Column("id", Text, primary_key=True),
    Column("beat", _TIME, nullable=False),
    Column("started_at", _TIME, nullable=False, server_default=func.now()),
)

# What a change needs; the first rule that fits decides. None or '*' fits everything.
change_rule = Table(
    "change_rule",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("position", Integer, nullable=False, unique=True),
    Column("rule", JSONB, nullable=False),  # see engines.changes.rules
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False, server_default=func.now()),
)

# Times in which nothing is changed, everywhere or in one project.
freeze = Table(
    "freeze",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text),
    Column("project_id", Text),
    Column("since", _TIME, nullable=False),
    Column("until", _TIME),  # None: until it is ended
    Column("words", Text, nullable=False, server_default=text("''")),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False, server_default=func.now()),
    Column("ended_at", _TIME),
    Column("ended_by", Text),
)

# What happens by the clock. `cron` has five fields in `zone`.
schedule = Table(
    "schedule",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # what a tick does, such as snapshot_run
    Column("arguments", JSONB, nullable=False, server_default=_EMPTY),
    Column("cron", Text, nullable=False),
    Column("zone", Text, nullable=False, server_default=text("'UTC'")),
    Column("catch_up", Text, nullable=False, server_default=text("'once'")),  # skip, once or all
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("owner", Text, nullable=False),  # the person with whose rights it runs, or `local`
    Column("surface", Text, nullable=False, server_default=text("''")),
    Column("channel", Text, nullable=False, server_default=text("''")),
    Column("changed_at", _TIME, nullable=False, server_default=func.now()),
    Column("last_tick", _TIME),
)
# Each tick is here once, whoever noticed it; `outcome` is what came of it in a few words.
schedule_tick = Table(
    "schedule_tick",
    metadata,
    Column("schedule", Text, primary_key=True),
    Column("tick", _TIME, primary_key=True),
    Column("begun_at", _TIME, nullable=False, server_default=func.now()),
    Column("job_id", BigInteger),
    Column("outcome", Text, nullable=False, server_default=text("''")),
)
