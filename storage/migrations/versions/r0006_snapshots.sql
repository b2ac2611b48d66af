CREATE TABLE snapshot_policy (
    name TEXT NOT NULL,
    cron TEXT NOT NULL,
    zone TEXT DEFAULT 'UTC' NOT NULL,
    retention INTEGER NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_snapshot_policy PRIMARY KEY (name)
);
CREATE TABLE snapshot_rule (
    name TEXT NOT NULL,
    rule JSONB NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_snapshot_rule PRIMARY KEY (name)
);
CREATE TABLE snapshot_assignment (
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    policy TEXT NOT NULL,
    project_id TEXT NOT NULL,
    state TEXT NOT NULL,
    retention INTEGER,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE,
    key TEXT NOT NULL,
    before JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_snapshot_assignment PRIMARY KEY (source, kind, external_id, policy)
);
CREATE INDEX ix_snapshot_assignment_key ON snapshot_assignment (key);
CREATE TABLE snapshot_exclusion (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_snapshot_exclusion PRIMARY KEY (id)
);
CREATE INDEX ix_snapshot_exclusion_object ON snapshot_exclusion (source, external_id);
CREATE TABLE snapshot_run (
    key TEXT NOT NULL,
    policy TEXT NOT NULL,
    tick TIMESTAMP WITH TIME ZONE,
    job_id BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    planned INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_snapshot_run PRIMARY KEY (key)
);
CREATE INDEX ix_snapshot_run_policy ON snapshot_run (policy, started_at);
CREATE UNIQUE INDEX uq_snapshot_run_tick ON snapshot_run (policy, tick) WHERE tick IS NOT NULL;
CREATE TABLE snapshot_record (
    run TEXT NOT NULL,
    source TEXT NOT NULL,
    volume_id TEXT NOT NULL,
    policy TEXT NOT NULL,
    project_id TEXT NOT NULL,
    volume_name TEXT DEFAULT '' NOT NULL,
    size_gib INTEGER DEFAULT 0 NOT NULL,
    key TEXT NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    state TEXT NOT NULL,
    snapshot_id TEXT,
    detail TEXT DEFAULT '' NOT NULL,
    short_gib INTEGER DEFAULT 0 NOT NULL,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    tried_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_snapshot_record PRIMARY KEY (run, source, volume_id, policy)
);
CREATE UNIQUE INDEX ix_snapshot_record_key ON snapshot_record (key);
CREATE INDEX ix_snapshot_record_volume ON snapshot_record (source, volume_id, policy, begun_at);
CREATE TABLE snapshot_removal (
    source TEXT NOT NULL,
    snapshot_id TEXT NOT NULL,
    run TEXT NOT NULL,
    project_id TEXT NOT NULL,
    volume_id TEXT NOT NULL,
    policy TEXT NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    why TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT DEFAULT '' NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_snapshot_removal PRIMARY KEY (source, snapshot_id)
);
CREATE INDEX ix_snapshot_removal_run ON snapshot_removal (run);
CREATE TABLE snapshot_pause (
    key TEXT NOT NULL,
    source TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    resumed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_snapshot_pause PRIMARY KEY (key)
);
CREATE TABLE coverage_day (
    day DATE NOT NULL,
    source TEXT NOT NULL,
    project_id TEXT NOT NULL,
    policy TEXT NOT NULL,
    domain_id TEXT,
    states JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_coverage_day PRIMARY KEY (day, source, project_id, policy)
)
