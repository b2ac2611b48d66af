"""The table of what was changed in the invented cloud."""

from sqlalchemy import Column, DateTime, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables import metadata

_TIME = DateTime(timezone=True)

# One row for each object that somebody made, changed or deleted in the invented cloud; the rest follows from its seed.
# `attrs` of a made snapshot are its fields; of a volume its labels as changed, null for one that was removed.
demo_object = Table(
    "demo_object",
    metadata,
    Column("source", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("attrs", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("made_at", _TIME),  # None: it is of the invented cloud itself
    Column("deleted_at", _TIME),
)
Index("ix_demo_object_project", demo_object.c.source, demo_object.c.project_id)
