-- Never edit: later versions change the tables in revisions of their own.

ALTER TABLE person ADD COLUMN via TEXT DEFAULT 'hand' NOT NULL;

ALTER TABLE person ADD COLUMN disabled_by TEXT;

ALTER TABLE person ADD COLUMN directory_id TEXT;

UPDATE person SET disabled_by = 'hand' WHERE NOT active;

CREATE UNIQUE INDEX uq_person_directory_id ON person (directory_id) WHERE directory_id IS NOT NULL;

CREATE INDEX ix_person_email ON person (lower(email));

ALTER TABLE role_grant ADD COLUMN domain_id TEXT;

ALTER TABLE role_grant ADD COLUMN surface TEXT;

ALTER TABLE role_grant ADD COLUMN channel TEXT;

ALTER TABLE role_grant ADD COLUMN via TEXT DEFAULT 'hand' NOT NULL;

ALTER TABLE role_grant DROP CONSTRAINT uq_role_grant_person_id_role_source_project_id;

ALTER TABLE role_grant ADD CONSTRAINT uq_role_grant_held
    UNIQUE NULLS NOT DISTINCT (person_id, role, source, domain_id, project_id, surface, channel, via);

CREATE TABLE invitation (
    hash BYTEA NOT NULL,
    person_id TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_invitation PRIMARY KEY (hash),
    CONSTRAINT fk_invitation_person_id_person FOREIGN KEY(person_id) REFERENCES person (id)
);

CREATE INDEX ix_invitation_person ON invitation (person_id);

CREATE TABLE wrong_code (
    surface TEXT NOT NULL,
    external_id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL
);

CREATE INDEX ix_wrong_code_account ON wrong_code (surface, external_id, at);

CREATE TABLE channel_binding (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    surface TEXT NOT NULL,
    channel TEXT NOT NULL,
    source TEXT NOT NULL,
    domain_id TEXT,
    project_id TEXT,
    bound_by TEXT NOT NULL,
    bound_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_channel_binding PRIMARY KEY (id),
    CONSTRAINT uq_channel_binding_place UNIQUE NULLS NOT DISTINCT (surface, channel, source, domain_id, project_id)
);

CREATE TABLE directory_run (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tick TIMESTAMP WITH TIME ZONE,
    asked_by TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    people INTEGER DEFAULT 0 NOT NULL,
    detail TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_directory_run PRIMARY KEY (id),
    CONSTRAINT uq_directory_run_tick UNIQUE (tick)
);

CREATE INDEX ix_exchange_person ON exchange (person, at);
