"""The statements of a sync: stage, difference, and what each difference does. All of them are constants."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import TextClause, text

ONE_WRITER = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
CREATE_STAGE = text(
    """
    CREATE TEMP TABLE stage (
        n integer, external_id text, name text, project_id text, attrs jsonb, derived jsonb
    ) ON COMMIT DROP
    """
)
KEEP_LAST = text("DELETE FROM stage a USING stage b WHERE a.external_id = b.external_id AND a.n < b.n")
INDEX_STAGE = text("CREATE INDEX ON stage (external_id)")
ANALYZE_STAGE = text("ANALYZE stage")
COUNT_ESTIMATED = text("SELECT reltuples FROM pg_class WHERE oid = 'resource'::regclass")
ANALYZE = (text("ANALYZE resource"), text("ANALYZE address"))
DROP_STAGE = text("DROP TABLE stage")
DROP_DIFF = text("DROP TABLE diff")

CREATE_DIFF = text(
    """
    CREATE TEMP TABLE diff ON COMMIT DROP AS
    SELECT t.id, s.external_id, s.name, s.project_id, s.attrs, s.derived,
           t.name AS old_name, t.project_id AS old_project_id, t.attrs AS old_attrs,
           CASE WHEN t.id IS NULL THEN 'add'
                WHEN t.deleted_at IS NOT NULL THEN 'return'
                WHEN (t.name, t.project_id, t.attrs) IS DISTINCT FROM (s.name, s.project_id, s.attrs) THEN 'change'
                ELSE 'derive' END AS op
    FROM stage s
    LEFT JOIN resource t ON t.source = :source AND t.kind = :kind AND t.external_id = s.external_id
    WHERE t.id IS NULL OR t.deleted_at IS NOT NULL
       OR (t.name, t.project_id, t.attrs, t.derived) IS DISTINCT FROM (s.name, s.project_id, s.attrs, s.derived)
    """
)

ADD = text(
    """
    WITH made AS (
        INSERT INTO resource (source, platform, kind, external_id, name, project_id, attrs, derived,
                              first_seen, changed_at, last_seen)
        SELECT :source, :platform, :kind, external_id, name, project_id, attrs, derived,
               CAST(:at AS timestamptz), CAST(:at AS timestamptz), CAST(:at AS timestamptz)
        FROM diff WHERE op = 'add'
        RETURNING id, external_id, name, project_id
    )
    INSERT INTO history (resource_id, run_id, at, op, source, kind, external_id, name, project_id)
    SELECT id, :run_id, CAST(:at AS timestamptz), 'add', :source, :kind, external_id, name, project_id FROM made
    """
)

CHANGE = text(
    """
    WITH made AS (
        UPDATE resource t
        SET name = d.name, project_id = d.project_id, attrs = d.attrs, derived = d.derived, platform = :platform,
            changed_at = CAST(:at AS timestamptz), last_seen = CAST(:at AS timestamptz)
        FROM diff d WHERE d.op = 'change' AND t.id = d.id
        RETURNING d.id, d.external_id, d.name, d.project_id, d.attrs, d.old_name, d.old_project_id, d.old_attrs
    )
    INSERT INTO history (resource_id, run_id, at, op, source, kind, external_id, name, project_id, changed)
    SELECT id, :run_id, CAST(:at AS timestamptz), 'change', :source, :kind, external_id, name, project_id,
           CASE WHEN name <> old_name THEN jsonb_build_object('name', jsonb_build_array(old_name, name))
                ELSE '{}'::jsonb END
           || CASE WHEN project_id IS DISTINCT FROM old_project_id
                   THEN jsonb_build_object('project_id', jsonb_build_array(old_project_id, project_id))
                   ELSE '{}'::jsonb END
           || coalesce((
               SELECT jsonb_object_agg(key, jsonb_build_array(o.value, n.value))
               FROM jsonb_each(old_attrs) o FULL JOIN jsonb_each(attrs) n USING (key)
               WHERE o.value IS DISTINCT FROM n.value
           ), '{}'::jsonb)
    FROM made
    """
)

RETURN = text(
    """
    WITH made AS (
        UPDATE resource t
        SET name = d.name, project_id = d.project_id, attrs = d.attrs, derived = d.derived, platform = :platform,
            changed_at = CAST(:at AS timestamptz), last_seen = CAST(:at AS timestamptz), deleted_at = NULL
        FROM diff d WHERE d.op = 'return' AND t.id = d.id
        RETURNING d.id, d.external_id, d.name, d.project_id
    )
    INSERT INTO history (resource_id, run_id, at, op, source, kind, external_id, name, project_id)
    SELECT id, :run_id, CAST(:at AS timestamptz), 'return', :source, :kind, external_id, name, project_id FROM made
    """
)

DERIVE = text("UPDATE resource t SET derived = d.derived FROM diff d WHERE d.op = 'derive' AND t.id = d.id")

COUNT_KEPT = text(
    """
    SELECT count(*) FROM resource t
    WHERE source = :source AND kind = :kind AND deleted_at IS NULL
      AND EXISTS (SELECT FROM stage s WHERE s.external_id = t.external_id)
    """
)
COUNT_MISSING = text(
    """
    SELECT count(*) FROM resource t
    WHERE source = :source AND kind = :kind AND deleted_at IS NULL
      AND NOT EXISTS (SELECT FROM stage s WHERE s.external_id = t.external_id)
    """
)

# last_seen of what is gone is the last complete listing that had it.
DELETE = text(
    """
    WITH gone AS (
        UPDATE resource t
        SET deleted_at = CAST(:at AS timestamptz),
            last_seen = coalesce((SELECT complete_at FROM listing WHERE source = :source AND kind = :kind), last_seen)
        WHERE source = :source AND kind = :kind AND deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM stage s WHERE s.external_id = t.external_id)
        RETURNING id, platform, external_id, name, project_id, attrs, derived, last_seen
    ), told AS (
        INSERT INTO history (resource_id, run_id, at, op, source, kind, external_id, name, project_id)
        SELECT id, :run_id, CAST(:at AS timestamptz), 'delete', :source, :kind, external_id, name, project_id FROM gone
    ), forgotten AS (
        DELETE FROM address WHERE resource_id IN (SELECT id FROM gone)
    )
    INSERT INTO deletion (resource_id, run_id, source, platform, kind, external_id, name, project_id, attrs, derived,
                          last_seen, deleted_at)
    SELECT id, :run_id, :source, platform, :kind, external_id, name, project_id, attrs, derived, last_seen,
           CAST(:at AS timestamptz)
    FROM gone
    """
)

FORGET_ADDRESSES = text("DELETE FROM address USING diff WHERE resource_id = diff.id")

_VM = text(
    """
    INSERT INTO address (resource_id, ip, mac, network_id, network, type)
    SELECT t.id, CASE WHEN pg_input_is_valid(a ->> 'ip', 'inet') THEN (a ->> 'ip')::inet END,
           left(replace(lower(a ->> 'mac'), '-', ':'), 64), left(a ->> 'network_id', 500), a ->> 'network',
           coalesce(a ->> 'type', 'fixed')
    FROM diff d JOIN resource t ON t.source = :source AND t.kind = :kind AND t.external_id = d.external_id,
         jsonb_array_elements(CASE jsonb_typeof(d.attrs -> 'addresses') WHEN 'array' THEN d.attrs -> 'addresses'
                              ELSE '[]'::jsonb END) a
    WHERE jsonb_typeof(a) = 'object'
    """
)
_PORT = text(
    """
    INSERT INTO address (resource_id, ip, mac, network_id, network, type)
    SELECT t.id, CASE WHEN pg_input_is_valid(ip, 'inet') THEN ip::inet END,
           left(replace(lower(d.attrs ->> 'mac'), '-', ':'), 64),
           left(d.attrs ->> 'network_id', 500), d.derived ->> 'network', 'fixed'
    FROM diff d JOIN resource t ON t.source = :source AND t.kind = :kind AND t.external_id = d.external_id
    LEFT JOIN LATERAL jsonb_array_elements_text(
        CASE jsonb_typeof(d.attrs -> 'ips') WHEN 'array' THEN d.attrs -> 'ips' ELSE '[]'::jsonb END) ip ON true
    """
)
_ROUTER = text(
    """
    INSERT INTO address (resource_id, ip, network_id, network, type)
    SELECT t.id, ip::inet, left(d.attrs ->> 'external_network_id', 500), d.derived ->> 'network', 'fixed'
    FROM diff d JOIN resource t ON t.source = :source AND t.kind = :kind AND t.external_id = d.external_id,
         jsonb_array_elements_text(CASE jsonb_typeof(d.attrs -> 'external_ips') WHEN 'array'
                                   THEN d.attrs -> 'external_ips' ELSE '[]'::jsonb END) ip
    WHERE pg_input_is_valid(ip, 'inet')
    """
)
_FLOATING_IP = text(
    """
    INSERT INTO address (resource_id, ip, network_id, network, type)
    SELECT t.id, (d.attrs ->> 'address')::inet, left(d.attrs ->> 'network_id', 500), d.derived ->> 'network', 'floating'
    FROM diff d JOIN resource t ON t.source = :source AND t.kind = :kind AND t.external_id = d.external_id
    WHERE pg_input_is_valid(d.attrs ->> 'address', 'inet')
    """
)
_HOST = text(
    """
    INSERT INTO address (resource_id, ip, type)
    SELECT t.id, (d.attrs ->> 'ip')::inet, 'fixed'
    FROM diff d JOIN resource t ON t.source = :source AND t.kind = :kind AND t.external_id = d.external_id
    WHERE pg_input_is_valid(d.attrs ->> 'ip', 'inet')
    """
)
ADDRESSES: Mapping[str, TextClause] = MappingProxyType(
    {"vm": _VM, "port": _PORT, "router": _ROUTER, "floating_ip": _FLOATING_IP, "host": _HOST}
)
