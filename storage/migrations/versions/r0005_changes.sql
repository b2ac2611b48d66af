CREATE TABLE request (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    token TEXT NOT NULL,
    kind TEXT NOT NULL,
    plan JSONB NOT NULL,
    digest TEXT NOT NULL,
    asker TEXT NOT NULL,
    surface TEXT DEFAULT '' NOT NULL,
    channel TEXT DEFAULT '' NOT NULL,
    conversation TEXT DEFAULT '' NOT NULL,
    source TEXT,
    project_id TEXT,
    mode TEXT NOT NULL,
    needed INTEGER DEFAULT 0 NOT NULL,
    approver_role TEXT DEFAULT '' NOT NULL,
    state TEXT DEFAULT 'pending' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    approve_by TIMESTAMP WITH TIME ZONE NOT NULL,
    run_within_s INTEGER NOT NULL,
    run_by TIMESTAMP WITH TIME ZONE,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by TEXT,
    reason TEXT DEFAULT '' NOT NULL,
    break_glass BOOLEAN DEFAULT false NOT NULL,
    reminded_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    job_id BIGINT,
    CONSTRAINT pk_request PRIMARY KEY (id),
    CONSTRAINT uq_request_token UNIQUE (token)
);
CREATE INDEX ix_request_asker ON request (asker, id);
CREATE INDEX ix_request_kind ON request (kind, created_at);
CREATE INDEX ix_request_open ON request (approve_by) WHERE state = 'pending';
CREATE TABLE request_vote (
    request_id BIGINT NOT NULL,
    person TEXT NOT NULL,
    verdict TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    surface TEXT DEFAULT '' NOT NULL,
    account TEXT DEFAULT '' NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_request_vote PRIMARY KEY (request_id, person),
    CONSTRAINT fk_request_vote_request_id_request FOREIGN KEY(request_id) REFERENCES request (id)
);
CREATE TABLE job (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    request_id BIGINT,
    kind TEXT NOT NULL,
    plan JSONB NOT NULL,
    source TEXT,
    project_id TEXT,
    asked_by TEXT NOT NULL,
    state TEXT DEFAULT 'waiting' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    run_by TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    progress JSONB DEFAULT '{}'::jsonb NOT NULL,
    outcome JSONB DEFAULT '{}'::jsonb NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    fix TEXT DEFAULT '' NOT NULL,
    cancel_by TEXT,
    cancel_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_job PRIMARY KEY (id),
    CONSTRAINT fk_job_request_id_request FOREIGN KEY(request_id) REFERENCES request (id)
);
CREATE INDEX ix_job_going ON job (source, id) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX uq_job_request ON job (request_id) WHERE request_id IS NOT NULL;
CREATE TABLE job_step (
    job_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER DEFAULT 1 NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    result JSONB DEFAULT '{}'::jsonb NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_job_step PRIMARY KEY (job_id, number),
    CONSTRAINT fk_job_step_job_id_job FOREIGN KEY(job_id) REFERENCES job (id)
);
CREATE TABLE job_target (
    job_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    CONSTRAINT pk_job_target PRIMARY KEY (job_id, source, kind, external_id),
    CONSTRAINT fk_job_target_job_id_job FOREIGN KEY(job_id) REFERENCES job (id)
);
CREATE INDEX ix_job_target_object ON job_target (source, kind, external_id);
CREATE TABLE worker (
    id TEXT NOT NULL,
    beat TIMESTAMP WITH TIME ZONE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_worker PRIMARY KEY (id)
);
CREATE TABLE change_rule (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    position INTEGER NOT NULL,
    rule JSONB NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_change_rule PRIMARY KEY (id),
    CONSTRAINT uq_change_rule_position UNIQUE (position)
);
CREATE TABLE "freeze" (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT,
    project_id TEXT,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    words TEXT DEFAULT '' NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by TEXT,
    CONSTRAINT pk_freeze PRIMARY KEY (id)
);
CREATE TABLE schedule (
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    arguments JSONB DEFAULT '{}'::jsonb NOT NULL,
    cron TEXT NOT NULL,
    zone TEXT DEFAULT 'UTC' NOT NULL,
    catch_up TEXT DEFAULT 'once' NOT NULL,
    enabled BOOLEAN DEFAULT true NOT NULL,
    owner TEXT NOT NULL,
    surface TEXT DEFAULT '' NOT NULL,
    channel TEXT DEFAULT '' NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_tick TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_schedule PRIMARY KEY (name)
);
CREATE TABLE schedule_tick (
    schedule TEXT NOT NULL,
    tick TIMESTAMP WITH TIME ZONE NOT NULL,
    begun_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    job_id BIGINT,
    outcome TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_schedule_tick PRIMARY KEY (schedule, tick)
)
