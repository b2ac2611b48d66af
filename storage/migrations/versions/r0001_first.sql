-- The tables of the first version. Never edit: later versions change them in revisions of their own.

CREATE TABLE audit (
    id BIGSERIAL NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    person TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail JSONB NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);

CREATE INDEX ix_audit_at ON audit (at);

CREATE INDEX ix_audit_person ON audit (person, at);

CREATE TABLE deletion (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    resource_id BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    platform TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    project_id TEXT,
    attrs JSONB NOT NULL,
    derived JSONB NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_deletion PRIMARY KEY (id)
);

CREATE INDEX ix_deletion_at ON deletion (deleted_at);

CREATE TABLE exchange (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    conversation TEXT NOT NULL,
    person TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    said TEXT NOT NULL,
    intent TEXT,
    reading JSONB NOT NULL,
    reply JSONB NOT NULL,
    took_ms INTEGER NOT NULL,
    good BOOLEAN,
    CONSTRAINT pk_exchange PRIMARY KEY (id)
);

CREATE INDEX ix_exchange_conversation ON exchange (conversation, id);

CREATE TABLE history (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    resource_id BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    op TEXT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    project_id TEXT,
    changed JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_history PRIMARY KEY (id)
);

CREATE INDEX ix_history_at ON history (at);

CREATE INDEX ix_history_external_id ON history (external_id, at);

CREATE INDEX ix_history_resource ON history (resource_id, at);

CREATE TABLE listing (
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    platform TEXT NOT NULL,
    demo BOOLEAN DEFAULT false NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT DEFAULT '' NOT NULL,
    fix TEXT DEFAULT '' NOT NULL,
    attempted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    complete_at TIMESTAMP WITH TIME ZONE,
    failing_since TIMESTAMP WITH TIME ZONE,
    rows INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_listing PRIMARY KEY (source, kind)
);

CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    surface TEXT NOT NULL,
    conversation TEXT NOT NULL,
    key TEXT NOT NULL,
    body JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    not_before TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT uq_outbox_surface_key UNIQUE (surface, key)
);

CREATE INDEX ix_outbox_due ON outbox (surface, not_before) WHERE sent_at IS NULL;

CREATE TABLE person (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_person PRIMARY KEY (id)
);

CREATE TABLE resource (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    platform TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    project_id TEXT,
    attrs JSONB NOT NULL,
    derived JSONB DEFAULT '{}'::jsonb NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    folded TEXT GENERATED ALWAYS AS (lower(normalize(name, NFKC))) STORED,
    state TEXT GENERATED ALWAYS AS (((attrs ->> 'state'))) STORED,
    host TEXT GENERATED ALWAYS AS (((attrs ->> 'host'))) STORED,
    cluster TEXT GENERATED ALWAYS AS (((attrs ->> 'cluster'))) STORED,
    os TEXT GENERATED ALWAYS AS (((attrs ->> 'os'))) STORED,
    parent_id TEXT GENERATED ALWAYS AS (((attrs ->> 'parent_id'))) STORED,
    created TEXT GENERATED ALWAYS AS (((attrs ->> 'created'))) STORED,
    vcpus INTEGER GENERATED ALWAYS AS (((attrs ->> 'vcpus')::integer)) STORED,
    memory_mib BIGINT GENERATED ALWAYS AS (((attrs ->> 'memory_mib')::bigint)) STORED,
    size_gib BIGINT GENERATED ALWAYS AS (((attrs ->> 'size_gib')::bigint)) STORED,
    CONSTRAINT pk_resource PRIMARY KEY (id),
    CONSTRAINT uq_resource_source_kind_external_id UNIQUE (source, kind, external_id)
)
 WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

CREATE INDEX ix_resource_business_owner ON resource (lower(attrs ->> 'business_owner')) WHERE kind = 'vm' AND deleted_at IS NULL;

CREATE INDEX ix_resource_created_by ON resource (lower(derived ->> 'created_by')) WHERE kind = 'vm' AND deleted_at IS NULL;

CREATE INDEX ix_resource_external_id ON resource (external_id);

CREATE INDEX ix_resource_folded ON resource (folded text_pattern_ops);

CREATE INDEX ix_resource_folded_trgm ON resource USING gin (folded gin_trgm_ops);

CREATE INDEX ix_resource_kind_created ON resource (kind, created) WHERE deleted_at IS NULL;

CREATE INDEX ix_resource_kind_host ON resource (kind, source, host) INCLUDE (vcpus, memory_mib, size_gib) WHERE deleted_at IS NULL;

CREATE INDEX ix_resource_kind_memory ON resource (kind, memory_mib) WHERE deleted_at IS NULL AND memory_mib IS NOT NULL;

CREATE INDEX ix_resource_kind_name ON resource (kind, name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_resource_kind_os ON resource (kind, os, source) INCLUDE (vcpus, memory_mib, size_gib) WHERE deleted_at IS NULL;

CREATE INDEX ix_resource_kind_project ON resource (kind, source, project_id) INCLUDE (state, vcpus, memory_mib, size_gib, platform) WHERE deleted_at IS NULL;

CREATE INDEX ix_resource_kind_size ON resource (kind, size_gib) WHERE deleted_at IS NULL AND size_gib IS NOT NULL;

CREATE INDEX ix_resource_kind_state ON resource (kind, state) WHERE deleted_at IS NULL;

CREATE INDEX ix_resource_kind_vcpus ON resource (kind, vcpus) WHERE deleted_at IS NULL AND vcpus IS NOT NULL;

CREATE INDEX ix_resource_parent ON resource (parent_id) WHERE deleted_at IS NULL;

CREATE INDEX ix_resource_tags ON resource USING gin (CAST(lower(CAST(attrs['tags'] AS TEXT)) AS JSONB)) WHERE kind = 'vm' AND deleted_at IS NULL;

CREATE INDEX ix_resource_technical_owner ON resource (lower(attrs ->> 'technical_owner')) WHERE kind = 'vm' AND deleted_at IS NULL;

CREATE TABLE stored_file (
    id TEXT NOT NULL,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    mime TEXT NOT NULL,
    content BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stored_file PRIMARY KEY (id)
);

CREATE INDEX ix_stored_file_expires ON stored_file (expires_at);

CREATE TABLE sync_run (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    asked_by TEXT DEFAULT 'clock' NOT NULL,
    tick TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    detail TEXT DEFAULT '' NOT NULL,
    kinds JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_sync_run PRIMARY KEY (id)
);

CREATE INDEX ix_sync_run_source ON sync_run (source, id);

CREATE UNIQUE INDEX uq_sync_run_tick ON sync_run (source, tick) WHERE tick IS NOT NULL;

CREATE UNIQUE INDEX uq_sync_run_waiting ON sync_run (source) WHERE state = 'waiting';

CREATE TABLE account (
    surface TEXT NOT NULL,
    external_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (surface, external_id),
    CONSTRAINT fk_account_person_id_person FOREIGN KEY(person_id) REFERENCES person (id)
);

CREATE TABLE address (
    resource_id BIGINT NOT NULL,
    ip INET,
    mac TEXT,
    network_id TEXT,
    network TEXT,
    type TEXT NOT NULL,
    CONSTRAINT fk_address_resource_id_resource FOREIGN KEY(resource_id) REFERENCES resource (id) ON DELETE CASCADE
);

CREATE INDEX ix_address_ip ON address (ip);

CREATE INDEX ix_address_ip_text ON address (host(ip) text_pattern_ops);

CREATE INDEX ix_address_mac ON address (mac text_pattern_ops);

CREATE INDEX ix_address_network ON address (network_id);

CREATE INDEX ix_address_resource ON address (resource_id);

CREATE TABLE role_grant (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    person_id TEXT NOT NULL,
    role TEXT NOT NULL,
    source TEXT,
    project_id TEXT,
    granted_by TEXT NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_role_grant PRIMARY KEY (id),
    CONSTRAINT uq_role_grant_person_id_role_source_project_id UNIQUE NULLS NOT DISTINCT (person_id, role, source, project_id),
    CONSTRAINT fk_role_grant_person_id_person FOREIGN KEY(person_id) REFERENCES person (id)
);
