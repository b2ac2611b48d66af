"""The tables. One PostgreSQL dialect; every time is `timestamptz` in UTC.

`resource` holds every kind of object of every source. Hot fields of `attrs` are generated columns, so that counting
and sorting a hundred thousand rows never opens the JSON.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    cast,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_TIME = DateTime(timezone=True)


def _hot(name: str, type_: type[Text] | type[Integer] | type[BigInteger], cast: str = "") -> Column[object]:
    return Column(name, type_, Computed(f"((attrs ->> '{name}'){cast})", persisted=True))


resource = Table(
    "resource",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("project_id", Text),  # external id of the project in the same source
    Column("attrs", JSONB, nullable=False),  # facts: their change is history
    Column("derived", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # resolved names, usage: no history
    Column("first_seen", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=False),  # the last change of attrs, name or project
    Column("last_seen", _TIME, nullable=False),  # of a deleted row: the last complete listing that had it
    Column("deleted_at", _TIME),
    Column("folded", Text, Computed("lower(normalize(name, NFKC))", persisted=True)),
    _hot("state", Text),
    _hot("host", Text),
    _hot("cluster", Text),
    _hot("os", Text),
    _hot("parent_id", Text),
    _hot("created", Text),  # ISO 8601 in UTC sorts as text
    _hot("vcpus", Integer, "::integer"),
    _hot("memory_mib", BigInteger, "::bigint"),
    _hot("size_gib", BigInteger, "::bigint"),
    UniqueConstraint("source", "kind", "external_id"),
    # Counting reads the index alone only where vacuum has been: soon after a sync, not after a fifth has changed.
    postgresql_with={"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_vacuum_insert_scale_factor": 0.02},
)
_ALIVE = text("deleted_at IS NULL")
Index("ix_resource_kind_state", resource.c.kind, resource.c.state, postgresql_where=_ALIVE)
Index(
    "ix_resource_kind_project",
    resource.c.kind,
    resource.c.source,
    resource.c.project_id,
    postgresql_include=["state", "vcpus", "memory_mib", "size_gib", "platform"],
    postgresql_where=_ALIVE,
)
Index(
    "ix_resource_kind_host",
    resource.c.kind,
    resource.c.source,
    resource.c.host,
    postgresql_include=["vcpus", "memory_mib", "size_gib"],
    postgresql_where=_ALIVE,
)
Index("ix_resource_kind_name", resource.c.kind, resource.c.name, resource.c.id, postgresql_where=_ALIVE)
Index(
    "ix_resource_kind_os", resource.c.kind, resource.c.os, resource.c.source,
    postgresql_include=["vcpus", "memory_mib", "size_gib"], postgresql_where=_ALIVE,
)  # fmt: skip
Index("ix_resource_kind_created", resource.c.kind, resource.c.created, postgresql_where=_ALIVE)
# Sizes are sorted only where they are known.
Index(
    "ix_resource_kind_vcpus",
    resource.c.kind,
    resource.c.vcpus,
    postgresql_where=text("deleted_at IS NULL AND vcpus IS NOT NULL"),
)
Index(
    "ix_resource_kind_memory",
    resource.c.kind,
    resource.c.memory_mib,
    postgresql_where=text("deleted_at IS NULL AND memory_mib IS NOT NULL"),
)
Index(
    "ix_resource_kind_size",
    resource.c.kind,
    resource.c.size_gib,
    postgresql_where=text("deleted_at IS NULL AND size_gib IS NOT NULL"),
)
Index("ix_resource_parent", resource.c.parent_id, postgresql_where=_ALIVE)
Index("ix_resource_folded", resource.c.folded, postgresql_ops={"folded": "text_pattern_ops"})
Index("ix_resource_external_id", resource.c.external_id)
Index(
    "ix_resource_folded_trgm",
    resource.c.folded,
    postgresql_using="gin",
    postgresql_ops={"folded": "gin_trgm_ops"},
)

# The people and tags of VMs, as sentences name them.
_VM_ALIVE = text("kind = 'vm' AND deleted_at IS NULL")
Index("ix_resource_technical_owner", func.lower(resource.c.attrs["technical_owner"].astext), postgresql_where=_VM_ALIVE)
Index("ix_resource_business_owner", func.lower(resource.c.attrs["business_owner"].astext), postgresql_where=_VM_ALIVE)
Index("ix_resource_created_by", func.lower(resource.c.derived["created_by"].astext), postgresql_where=_VM_ALIVE)
folded_tags = cast(func.lower(cast(resource.c.attrs["tags"], Text)), JSONB)
Index("ix_resource_tags", folded_tags, postgresql_using="gin", postgresql_where=_VM_ALIVE)

# Every address of every living resource that has one; kept by the sync from attrs.
address = Table(
    "address",
    metadata,
    Column("resource_id", BigInteger, ForeignKey("resource.id", ondelete="CASCADE"), nullable=False),
    Column("ip", INET),
    Column("mac", Text),  # lower case, with colons
    Column("network_id", Text),
    Column("network", Text),
    Column("type", Text, nullable=False),  # fixed or floating
)
Index("ix_address_resource", address.c.resource_id)
Index("ix_address_ip", address.c.ip)
Index("ix_address_ip_text", func.host(address.c.ip).label("text"), postgresql_ops={"text": "text_pattern_ops"})
Index("ix_address_mac", address.c.mac, postgresql_ops={"mac": "text_pattern_ops"})
Index("ix_address_network", address.c.network_id)

# One row for each change of a resource: op is add, change, delete or return (it was deleted and came back).
history = Table(
    "history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("resource_id", BigInteger, nullable=False),
    Column("run_id", BigInteger, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("op", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("project_id", Text),
    Column("changed", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # {field: [old, new]}
)
Index("ix_history_at", history.c.at)
Index("ix_history_resource", history.c.resource_id, history.c.at)
Index("ix_history_external_id", history.c.external_id, history.c.at)

# What was deleted, with its last state: the recipe to bring it back.
deletion = Table(
    "deletion",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("resource_id", BigInteger, nullable=False),
    Column("run_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("project_id", Text),
    Column("attrs", JSONB, nullable=False),
    Column("derived", JSONB, nullable=False),
    Column("last_seen", _TIME, nullable=False),
    Column("deleted_at", _TIME, nullable=False),
)
Index("ix_deletion_at", deletion.c.deleted_at)

# One row a run of one source. state: waiting (asked for), running, done, partial, failed.
sync_run = Table(
    "sync_run",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", _TIME, nullable=False, server_default=func.now()),
    Column("asked_by", Text, nullable=False, server_default=text("'clock'")),
    Column("tick", _TIME),  # the scheduled time, where the clock asked: each is run once, whoever asks first
    Column("started_at", _TIME),
    Column("finished_at", _TIME),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("kinds", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # {kind: {outcome, rows, added, ...}}
)
Index("ix_sync_run_source", sync_run.c.source, sync_run.c.id)
Index("uq_sync_run_tick", sync_run.c.source, sync_run.c.tick, unique=True, postgresql_where=text("tick IS NOT NULL"))
Index("uq_sync_run_waiting", sync_run.c.source, unique=True, postgresql_where=text("state = 'waiting'"))

# What is known of each (source, kind) now. outcome of the last attempt: complete, refused, unreachable, timeout,
# cut_off, unexpected, shrunk (more than half gone: waits for a second sighting). complete_at is the age of the data.
listing = Table(
    "listing",
    metadata,
    Column("source", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("demo", Boolean, nullable=False, server_default=text("false")),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("fix", Text, nullable=False, server_default=text("''")),
    Column("attempted_at", _TIME, nullable=False),
    Column("complete_at", _TIME),
    Column("failing_since", _TIME),
    Column("rows", Integer, nullable=False, server_default=text("0")),
)

# Append only, by trigger. hash covers prev_hash and the canonical JSON of the rest.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, primary_key=True),  # 1, 2, 3 … without gaps: given under the chain's lock
    Column("at", _TIME, nullable=False),
    Column("person", Text, nullable=False),
    Column("action", Text, nullable=False),  # an intent, or sync.start, role.grant …
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
Index("ix_audit_at", audit.c.at)
Index("ix_audit_person", audit.c.person, audit.c.at)

# Messages on their way out. Order is kept in a conversation by id. `lane` is paced (a channel), `method` is what the
# platform limits as a whole. `started_at`: an attempt began whose outcome is not known.
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("surface", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("key", Text, nullable=False),  # says the same thing only once
    Column("body", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("not_before", _TIME, nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error", Text, nullable=False, server_default=text("''")),
    Column("sent_at", _TIME),
    Column("lane", Text, nullable=False, server_default=text("''")),
    Column("method", Text, nullable=False, server_default=text("''")),
    Column("version", Integer, nullable=False, server_default=text("1")),  # of the body: an edit may be overtaken
    Column("claimed_by", Text),
    Column("claimed_until", _TIME),
    Column("started_at", _TIME),
    Column("failed_at", _TIME),  # given up
    Column("posted", JSONB),  # what the platform calls it
    UniqueConstraint("surface", "key"),
)
_UNSENT = text("sent_at IS NULL AND failed_at IS NULL")
Index("ix_outbox_due", outbox.c.surface, outbox.c.conversation, outbox.c.id, postgresql_where=_UNSENT)

# When the next message may leave on a lane, whichever process sends it.
pace = Table(
    "pace",
    metadata,
    Column("surface", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("next_at", _TIME, nullable=False),
)

# Messages that are edited while what they tell of goes on; the row goes when that has ended.
follow = Table(
    "follow",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("surface", Text, nullable=False),
    Column("key", Text, nullable=False),  # of the message in the outbox
    Column("refs", JSONB, nullable=False),  # what it tells of: sync/7 is a row of sync_run, request/7 of request
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("next_at", _TIME, nullable=False, server_default=func.now()),
    Column("shown", Text, nullable=False, server_default=text("''")),  # digest of what was told last
    UniqueConstraint("surface", "key"),
)

# What platforms delivered: acknowledged when it is here. Its key is what a repeated delivery is known by.
inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("surface", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("sender", Text, nullable=False),  # the chat account
    Column("state", Text, nullable=False, server_default=text("'waiting'")),  # waiting, done, failed
    Column("body", JSONB),  # emptied when it was processed
    Column("received_at", _TIME, nullable=False, server_default=func.now()),
    Column("not_before", _TIME, nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("claimed_by", Text),
    Column("claimed_until", _TIME),
    Column("error", Text, nullable=False, server_default=text("''")),
    UniqueConstraint("surface", "key"),
)
_WAITING = text("state = 'waiting'")
Index("ix_inbox_waiting", inbox.c.surface, inbox.c.conversation, inbox.c.id, postgresql_where=_WAITING)
Index("ix_inbox_conversation", inbox.c.surface, inbox.c.conversation, inbox.c.sender)
Index("ix_inbox_received", inbox.c.received_at)

# What was said and answered: the history of the chat page, the ground of "why?" and of follow-ups.
exchange = Table(
    "exchange",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("conversation", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("said", Text, nullable=False),
    Column("intent", Text),
    Column("reading", JSONB, nullable=False),
    Column("reply", JSONB, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("good", Boolean),  # what the person thought of it
    Column("remark", Text),  # and what they would have expected
)
Index("ix_exchange_conversation", exchange.c.conversation, exchange.c.id)
Index("ix_exchange_person", exchange.c.person, exchange.c.at)

# Files of answers, kept for download until they expire; only the person who asked gets them.
stored_file = Table(
    "stored_file",
    metadata,
    Column("id", Text, primary_key=True),  # random
    Column("person", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mime", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME, nullable=False),
)
Index("ix_stored_file_expires", stored_file.c.expires_at)
