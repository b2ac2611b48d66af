"""Restore drills: what came of each VM, and the targets."""

from alembic import op

revision = "0017"
down_revision = "0016"

_STATEMENTS = (
    """
    CREATE TABLE drill_vm (
        job_id BIGINT NOT NULL CONSTRAINT fk_drill_vm_job_id_job REFERENCES job (id),
        number INTEGER NOT NULL,
        source TEXT NOT NULL,
        project_id TEXT NOT NULL,
        vm_id TEXT NOT NULL,
        vm TEXT NOT NULL,
        point_at TIMESTAMP WITH TIME ZONE,
        point TEXT DEFAULT '' NOT NULL,
        began_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        age_s FLOAT,
        restored_s FLOAT,
        checks JSONB DEFAULT '[]'::jsonb NOT NULL,
        outcome TEXT DEFAULT 'open' NOT NULL,
        reason TEXT DEFAULT '' NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_drill_vm PRIMARY KEY (job_id, number)
    )
    """,
    "CREATE INDEX ix_drill_vm_vm ON drill_vm (source, vm_id, began_at)",
    "CREATE INDEX ix_drill_vm_project ON drill_vm (source, project_id, began_at)",
    """
    CREATE TABLE drill_target (
        source TEXT DEFAULT '' NOT NULL,
        project_id TEXT DEFAULT '' NOT NULL,
        rto_minutes FLOAT,
        rpo_hours FLOAT,
        by TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_drill_target PRIMARY KEY (source, project_id)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
