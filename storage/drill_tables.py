"""The tables of restore drills: what came of each VM, and the targets that an admin set."""

from sqlalchemy import BigInteger, Column, DateTime, Float, ForeignKey, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from storage.change_tables import job
from storage.tables import metadata

_TIME = DateTime(timezone=True)
_NONE = text("'[]'::jsonb")

# One row for each VM of a drill, from the moment it is begun. outcome: open (under way, or cut off: its job tells),
# passed, unproven (it runs, and nothing was seen on its console), failed.
drill_vm = Table(
    "drill_vm",
    metadata,
    Column("job_id", BigInteger, ForeignKey(job.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),  # its place in the drill
    Column("source", Text, nullable=False),
    Column("project_id", Text, nullable=False),
    Column("vm_id", Text, nullable=False),
    Column("vm", Text, nullable=False),  # its name at that time
    Column("point_at", _TIME),  # of the oldest copy in the restore point; None: there was none
    Column("point", Text, nullable=False, server_default=text("''")),  # in words
    Column("began_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
    Column("age_s", Float),  # of the data, when it began
    Column("restored_s", Float),  # until it ran with everything
    Column("checks", JSONB, nullable=False, server_default=_NONE),  # [{name, well: true, false or null, detail}]
    Column("outcome", Text, nullable=False, server_default=text("'open'")),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("ended_at", _TIME),
)
Index("ix_drill_vm_vm", drill_vm.c.source, drill_vm.c.vm_id, drill_vm.c.began_at)
Index("ix_drill_vm_project", drill_vm.c.source, drill_vm.c.project_id, drill_vm.c.began_at)

# How long a restore may take and how old its data may be; one without source and project holds everywhere else.
drill_target = Table(
    "drill_target",
    metadata,
    Column("source", Text, primary_key=True, server_default=text("''")),
    Column("project_id", Text, primary_key=True, server_default=text("''")),
    Column("rto_minutes", Float),  # None: no target
    Column("rpo_hours", Float),
    Column("by", Text, nullable=False),
    Column("at", _TIME, nullable=False, server_default=func.clock_timestamp()),
)
