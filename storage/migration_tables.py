"""The tables of migrations: projects, how their exports were read, VMs with their grades, and what people decided."""

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
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables import metadata

_TIME = DateTime(timezone=True)
_NONE = text("''")
_EMPTY = text("'{}'::jsonb")
_FOLDED = "lower(normalize(name, NFKC))"

# A project: what a person makes of one export, and of the newer ones that they send after it.
migration = Table(
    "migration",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded", Text, Computed(_FOLDED, persisted=True)),
    Column("file", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the file, so that the same one is known again
    Column("version", Integer, nullable=False, server_default=text("1")),  # counts the exports that were taken
    Column("export_version", Text, nullable=False, server_default=_NONE),  # of RVTools, "4.6.1"
    Column("export_at", _TIME),  # when the newest export was made
    Column("uploaded_by", Text, nullable=False),
    Column("surface", Text, nullable=False, server_default=_NONE),  # where it was uploaded; '' in private
    Column("channel", Text, nullable=False, server_default=_NONE),
    Column("uploaded_at", _TIME, nullable=False),
    Column("servers", JSONB, nullable=False),  # names of vCenters
    Column("settings", JSONB, nullable=False),  # see engines.migration.projects.settings_from
    Column("summary", JSONB, nullable=False),  # see engines.migration.keeping
    Column("schedule", JSONB),  # None: to be made anew
    Column("stale", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # what the waves know nothing of
    Column("platform", Text, nullable=False),  # the last of the lines of the estate, behind those of its VMs
    UniqueConstraint("uploaded_by", "folded"),
)

# An export on its way in. state: reading, done, refused (the file's fault), failed (ours).
migration_import = Table(
    "migration_import",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE")),
    Column("file", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("surface", Text, nullable=False, server_default=_NONE),
    Column("channel", Text, nullable=False, server_default=_NONE),
    Column("state", Text, nullable=False),
    Column("step", Text, nullable=False, server_default=_NONE),  # the sheet that was read last, or what is done since
    Column("sheets", Integer, nullable=False, server_default=text("0")),
    Column("rows", Integer, nullable=False, server_default=text("0")),
    Column("what", Text, nullable=False, server_default=_NONE),  # why it was not taken
    Column("fix", Text, nullable=False, server_default=_NONE),
    Column("difference", JSONB),  # to the export before; None for the first one
    Column("begun_at", _TIME, nullable=False),
    Column("seen_at", _TIME, nullable=False),  # when whoever reads it was last alive
    Column("ended_at", _TIME),
)

# One row a VM of the newest export. `packed` is its line of the estate, so that the file is never read again.
migration_vm = Table(
    "migration_vm",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("server", Text, primary_key=True),
    Column("vm_key", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("folded", Text, Computed(_FOLDED, persisted=True)),
    Column("tenant", Text, nullable=False),  # '' for a VM without one
    Column("risk", Text, nullable=False),  # green, yellow or red
    Column("score", Integer, nullable=False),
    Column("reason", Text, nullable=False),  # the weightiest thing behind the risk
    Column("mode", Text, nullable=False),  # warm or cold
    Column("family", Text, nullable=False),
    Column("os", Text, nullable=False),
    Column("left_out", Text, nullable=False),  # a key of engines.migration.scope.REASONS, or ''
    Column("priority", Integer),
    Column("status", Text),
    Column("vcpus", Integer),
    Column("memory_mib", BigInteger),
    Column("capacity_mib", BigInteger),
    Column("move_mib", BigInteger, nullable=False),
    Column("networks", JSONB, nullable=False),
    Column("job", JSONB, nullable=False),  # see engines.migration.keeping.job_row
    Column("detail", JSONB, nullable=False),  # engines.migration.results.vm_json
    Column("packed", Text, nullable=False),
)
Index("ix_migration_vm_folded", migration_vm.c.folded)
Index("ix_migration_vm_tenant", migration_vm.c.migration_id, migration_vm.c.tenant)

# Names that sentences use, beside those of VMs. kind: tenant or network.
migration_name = Table(
    "migration_name",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("folded", Text, Computed(_FOLDED, persisted=True)),
    Column("vms", Integer, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=_EMPTY),
)
Index("ix_migration_name_folded", migration_name.c.folded)

# What people decided; kept over every new export.
migration_override = Table(
    "migration_override",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("server", Text, primary_key=True),
    Column("vm_key", Text, primary_key=True),
    Column("mode", Text),
    Column("priority", Integer),
    Column("status", Text),
    Column("exclude", Boolean),
    Column("reason", Text, nullable=False, server_default=_NONE),
    Column("target_name", Text),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False),
)

migration_tenant = Table(
    "migration_tenant",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("take", Boolean, nullable=False),
    Column("reason", Text, nullable=False, server_default=_NONE),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False),
)

# Confirmed by a person; what is only likely is worked out anew each time. kind: tenant or network.
migration_mapping = Table(
    "migration_mapping",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("target_kind", Text, nullable=False),  # project, domain or network; '' where the inventory has no such thing
    Column("target", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=_NONE),  # of the target in the inventory
    Column("external_id", Text, nullable=False, server_default=_NONE),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False),
)

migration_dependency = Table(
    "migration_dependency",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("server", Text, primary_key=True),
    Column("vm_key", Text, primary_key=True),
    Column("after_server", Text, primary_key=True),
    Column("after_vm_key", Text, primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False),
)

# Cohorts and waves as they were built last; `detail` is what their makers say of them.
migration_cohort = Table(
    "migration_cohort",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded", Text, Computed(_FOLDED, persisted=True)),
    Column("detail", JSONB, nullable=False, server_default=_EMPTY),
)

migration_wave = Table(
    "migration_wave",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded", Text, Computed(_FOLDED, persisted=True)),
    Column("cohort", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("starts_at", _TIME),
    Column("ends_at", _TIME),
    Column("changed_by", Text, nullable=False, server_default=_NONE),
    Column("changed_at", _TIME),
    Column("detail", JSONB, nullable=False, server_default=_EMPTY),
)

migration_place = Table(
    "migration_place",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("server", Text, primary_key=True),
    Column("vm_key", Text, primary_key=True),
    Column("cohort", Integer, nullable=False),
    Column("wave", Integer),
    Column("why", Text, nullable=False, server_default=_NONE),
    Column("state", Text, nullable=False, server_default=text("'pending'")),  # engines.migration.lifecycles.VmState
    Column("state_by", Text, nullable=False, server_default=_NONE),
    Column("state_at", _TIME),
)
Index("ix_migration_place_wave", migration_place.c.migration_id, migration_place.c.wave)

migration_item = Table(
    "migration_item",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("migration.id", ondelete="CASCADE"), primary_key=True),
    Column("wave", Integer, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("state", Text, nullable=False),  # see engines.migration.lifecycles.ItemState
    Column("by", Text, nullable=False, server_default=_NONE),
    Column("at", _TIME),
    Column("evidence", Text, nullable=False, server_default=_NONE),
)
