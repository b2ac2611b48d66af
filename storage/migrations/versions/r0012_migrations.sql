CREATE TABLE migration (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    folded TEXT GENERATED ALWAYS AS (lower(normalize(name, NFKC))) STORED,
    file TEXT NOT NULL,
    digest TEXT NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    export_version TEXT DEFAULT '' NOT NULL,
    export_at TIMESTAMP WITH TIME ZONE,
    uploaded_by TEXT NOT NULL,
    surface TEXT DEFAULT '' NOT NULL,
    channel TEXT DEFAULT '' NOT NULL,
    uploaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    servers JSONB NOT NULL,
    settings JSONB NOT NULL,
    summary JSONB NOT NULL,
    schedule JSONB,
    platform TEXT NOT NULL,
    CONSTRAINT pk_migration PRIMARY KEY (id),
    CONSTRAINT uq_migration_uploaded_by_folded UNIQUE (uploaded_by, folded)
);

CREATE TABLE migration_import (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    migration_id BIGINT,
    file TEXT NOT NULL,
    by TEXT NOT NULL,
    surface TEXT DEFAULT '' NOT NULL,
    channel TEXT DEFAULT '' NOT NULL,
    state TEXT NOT NULL,
    step TEXT DEFAULT '' NOT NULL,
    sheets INTEGER DEFAULT 0 NOT NULL,
    rows INTEGER DEFAULT 0 NOT NULL,
    what TEXT DEFAULT '' NOT NULL,
    fix TEXT DEFAULT '' NOT NULL,
    difference JSONB,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_migration_import PRIMARY KEY (id),
    CONSTRAINT fk_migration_import_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE TABLE migration_vm (
    migration_id BIGINT NOT NULL,
    server TEXT NOT NULL,
    vm_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    folded TEXT GENERATED ALWAYS AS (lower(normalize(name, NFKC))) STORED,
    tenant TEXT NOT NULL,
    risk TEXT NOT NULL,
    score INTEGER NOT NULL,
    reason TEXT NOT NULL,
    mode TEXT NOT NULL,
    family TEXT NOT NULL,
    os TEXT NOT NULL,
    left_out TEXT NOT NULL,
    priority INTEGER,
    status TEXT,
    vcpus INTEGER,
    memory_mib BIGINT,
    capacity_mib BIGINT,
    move_mib BIGINT NOT NULL,
    networks JSONB NOT NULL,
    job JSONB NOT NULL,
    detail JSONB NOT NULL,
    packed TEXT NOT NULL,
    CONSTRAINT pk_migration_vm PRIMARY KEY (migration_id, server, vm_key),
    CONSTRAINT fk_migration_vm_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE INDEX ix_migration_vm_folded ON migration_vm (folded);

CREATE INDEX ix_migration_vm_tenant ON migration_vm (migration_id, tenant);

CREATE TABLE migration_name (
    migration_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    folded TEXT GENERATED ALWAYS AS (lower(normalize(name, NFKC))) STORED,
    vms INTEGER NOT NULL,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_migration_name PRIMARY KEY (migration_id, kind, name),
    CONSTRAINT fk_migration_name_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE INDEX ix_migration_name_folded ON migration_name (folded);

CREATE TABLE migration_override (
    migration_id BIGINT NOT NULL,
    server TEXT NOT NULL,
    vm_key TEXT NOT NULL,
    mode TEXT,
    priority INTEGER,
    status TEXT,
    exclude BOOLEAN,
    reason TEXT DEFAULT '' NOT NULL,
    target_name TEXT,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_migration_override PRIMARY KEY (migration_id, server, vm_key),
    CONSTRAINT fk_migration_override_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE TABLE migration_tenant (
    migration_id BIGINT NOT NULL,
    tenant TEXT NOT NULL,
    take BOOLEAN NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_migration_tenant PRIMARY KEY (migration_id, tenant),
    CONSTRAINT fk_migration_tenant_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE TABLE migration_mapping (
    migration_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    source TEXT DEFAULT '' NOT NULL,
    external_id TEXT DEFAULT '' NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_migration_mapping PRIMARY KEY (migration_id, kind, name),
    CONSTRAINT fk_migration_mapping_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE TABLE migration_dependency (
    migration_id BIGINT NOT NULL,
    server TEXT NOT NULL,
    vm_key TEXT NOT NULL,
    after_server TEXT NOT NULL,
    after_vm_key TEXT NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_migration_dependency PRIMARY KEY (migration_id, server, vm_key, after_server, after_vm_key),
    CONSTRAINT fk_migration_dependency_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE TABLE migration_cohort (
    migration_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    folded TEXT GENERATED ALWAYS AS (lower(normalize(name, NFKC))) STORED,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_migration_cohort PRIMARY KEY (migration_id, number),
    CONSTRAINT fk_migration_cohort_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE TABLE migration_wave (
    migration_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    folded TEXT GENERATED ALWAYS AS (lower(normalize(name, NFKC))) STORED,
    cohort INTEGER NOT NULL,
    state TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    changed_by TEXT DEFAULT '' NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_migration_wave PRIMARY KEY (migration_id, number),
    CONSTRAINT fk_migration_wave_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE TABLE migration_place (
    migration_id BIGINT NOT NULL,
    server TEXT NOT NULL,
    vm_key TEXT NOT NULL,
    cohort INTEGER NOT NULL,
    wave INTEGER,
    why TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_migration_place PRIMARY KEY (migration_id, server, vm_key),
    CONSTRAINT fk_migration_place_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);

CREATE INDEX ix_migration_place_wave ON migration_place (migration_id, wave);

CREATE TABLE migration_item (
    migration_id BIGINT NOT NULL,
    wave INTEGER NOT NULL,
    item TEXT NOT NULL,
    state TEXT NOT NULL,
    by TEXT DEFAULT '' NOT NULL,
    at TIMESTAMP WITH TIME ZONE,
    evidence TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_migration_item PRIMARY KEY (migration_id, wave, item),
    CONSTRAINT fk_migration_item_migration_id_migration FOREIGN KEY(migration_id) REFERENCES migration (id) ON DELETE CASCADE
);
