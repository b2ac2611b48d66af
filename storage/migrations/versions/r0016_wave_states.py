"""How far each VM of a wave is, and what was decided since the waves of a migration were built."""

from alembic import op

revision = "0016"
down_revision = "0012"

_STATEMENTS = (
    "ALTER TABLE migration ADD COLUMN stale JSONB DEFAULT '[]'::jsonb NOT NULL",
    "ALTER TABLE migration_place ADD COLUMN state TEXT DEFAULT 'pending' NOT NULL",
    "ALTER TABLE migration_place ADD COLUMN state_by TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE migration_place ADD COLUMN state_at TIMESTAMP WITH TIME ZONE",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
