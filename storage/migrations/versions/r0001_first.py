"""Everything: the tables of the first version, and the trigger that keeps the audit log append-only."""

from importlib import resources

from alembic import op

revision = "0001"
down_revision = None

_REFUSE = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""
_ROWS = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()
"""
_WHOLE = """
CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
"""


def upgrade() -> None:
    tables = resources.files("storage.migrations.versions").joinpath("r0001_first.sql").read_text(encoding="utf-8")
    for statement in (*tables.split(";\n"), _REFUSE, _ROWS, _WHOLE):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
