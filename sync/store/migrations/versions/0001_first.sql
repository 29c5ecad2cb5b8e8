-- What the first path needs. Every tenant table has realm_no in its key and row-level security, enabled and forced.
-- Roles come from whoever administers the server (embedded.py, deploy/postgres/roles.sql).

CREATE FUNCTION tenant() RETURNS integer LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('milestone.realm_no', true), '')::integer $$;

CREATE FUNCTION lookup() RETURNS bytea LANGUAGE sql STABLE AS
$$ SELECT decode(nullif(current_setting('milestone.lookup', true), ''), 'hex') $$;

-- The two clocks: leases and back-off run on the real one, dates and due work on the business clock.
CREATE TABLE business_clock (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    offset_s bigint NOT NULL DEFAULT 0
);
INSERT INTO business_clock DEFAULT VALUES;

CREATE FUNCTION lease_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;
CREATE FUNCTION business_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT clock_timestamp() + make_interval(secs => (SELECT offset_s FROM business_clock)) $$;

CREATE TABLE process (
    process_id text PRIMARY KEY,
    role text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT lease_now(),
    seen_at timestamptz NOT NULL DEFAULT lease_now(),
    gone_at timestamptz
);

CREATE TABLE oauth_state (
    state_hash bytea PRIMARY KEY,
    session_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT lease_now()
);

CREATE TABLE realm (
    realm_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    realm_id_sealed bytea NOT NULL,
    realm_id_hmac bytea NOT NULL UNIQUE,
    name text NOT NULL DEFAULT '',
    currency text NOT NULL DEFAULT 'USD',
    country text NOT NULL DEFAULT 'US',
    zone text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('observe', 'approve', 'auto')),
    policy jsonb NOT NULL DEFAULT '{}',
    preferences jsonb NOT NULL DEFAULT '{}',
    access_token_sealed bytea,
    refresh_token_sealed bytea,
    access_expires_at timestamptz,
    refresh_expires_at timestamptz,
    refresh_lease_until timestamptz,
    token_version integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'connected' CHECK (state IN ('connected', 'reauth_needed', 'disconnected')),
    watermark timestamptz,
    synced_at timestamptz,
    webhook_seen_at timestamptz,
    blocked_until timestamptz,
    connected_at timestamptz NOT NULL DEFAULT lease_now()
);

CREATE TABLE mirror (
    realm_no integer NOT NULL REFERENCES realm,
    entity text NOT NULL,
    qbo_id text NOT NULL,
    sync_token bigint NOT NULL,
    updated_at timestamptz,
    customer_id text,
    fields jsonb NOT NULL,
    content_hash text NOT NULL,
    is_deleted boolean NOT NULL DEFAULT false,
    synced jsonb,
    stored_at timestamptz NOT NULL DEFAULT lease_now(),
    PRIMARY KEY (realm_no, entity, qbo_id)
);
CREATE INDEX mirror_by_customer ON mirror (realm_no, customer_id, entity);

CREATE TABLE job (
    realm_no integer NOT NULL REFERENCES realm,
    job_id bigint GENERATED ALWAYS AS IDENTITY,
    key text NOT NULL,
    base text NOT NULL,
    estimate_id text NOT NULL,
    customer_id text NOT NULL,
    currency text NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'frozen', 'unmapped')),
    version integer NOT NULL DEFAULT 0,
    look_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT lease_now(),
    PRIMARY KEY (realm_no, job_id),
    UNIQUE (realm_no, key),
    UNIQUE (realm_no, base),
    UNIQUE (realm_no, estimate_id)
);
CREATE INDEX job_to_look_at ON job (look_at) WHERE look_at IS NOT NULL;

CREATE TABLE job_document (
    realm_no integer NOT NULL,
    job_id bigint NOT NULL,
    entity text NOT NULL,
    qbo_id text NOT NULL,
    role text NOT NULL CHECK (role IN ('contract', 'change_order', 'invoice')),
    first_total_minor bigint,
    milestone_id text,
    ordinal integer,
    lines jsonb,
    is_live boolean NOT NULL DEFAULT true,
    PRIMARY KEY (realm_no, entity, qbo_id),
    FOREIGN KEY (realm_no, job_id) REFERENCES job,
    CHECK ((role = 'invoice') = (milestone_id IS NOT NULL AND ordinal IS NOT NULL AND lines IS NOT NULL))
);
CREATE INDEX job_document_by_job ON job_document (realm_no, job_id);
CREATE UNIQUE INDEX one_live_invoice ON job_document (realm_no, job_id, milestone_id) WHERE role = 'invoice' AND is_live;

CREATE TABLE event (
    realm_no integer NOT NULL,
    job_id bigint NOT NULL,
    name text NOT NULL,
    label text NOT NULL,
    position integer NOT NULL,
    on_date date,
    state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'completed', 'cancelled')),
    completed_on date,
    source text NOT NULL CHECK (source IN ('template', 'estimate', 'person')),
    words jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (realm_no, job_id, name),
    FOREIGN KEY (realm_no, job_id) REFERENCES job,
    CHECK ((state = 'completed') = (completed_on IS NOT NULL))
);

CREATE TABLE schedule (
    realm_no integer NOT NULL,
    job_id bigint NOT NULL,
    version integer NOT NULL,
    contract_total_minor bigint NOT NULL,
    credit_minor bigint NOT NULL CHECK (credit_minor >= 0),
    unallocated_minor bigint NOT NULL CHECK (unallocated_minor >= 0),
    tax_rate_percent numeric,
    source text NOT NULL,
    cause text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT lease_now(),
    on_day date NOT NULL,
    PRIMARY KEY (realm_no, job_id, version),
    FOREIGN KEY (realm_no, job_id) REFERENCES job
);

CREATE TABLE milestone (
    realm_no integer NOT NULL,
    job_id bigint NOT NULL,
    version integer NOT NULL,
    milestone_id text NOT NULL,
    position integer NOT NULL,
    label text NOT NULL,
    basis jsonb NOT NULL,
    trigger jsonb NOT NULL,
    pinned_minor bigint,
    held boolean NOT NULL DEFAULT false,
    cap_minor bigint,
    extra_minor bigint NOT NULL DEFAULT 0,
    share text NOT NULL CHECK (share IN ('locked', 'pinned', 'held', 'open')),
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    billed_minor bigint,
    paid_minor bigint NOT NULL DEFAULT 0 CHECK (paid_minor >= 0),
    issue_on date,
    due_on date,
    why jsonb NOT NULL,
    PRIMARY KEY (realm_no, job_id, version, milestone_id),
    FOREIGN KEY (realm_no, job_id, version) REFERENCES schedule,
    CHECK (amount_minor >= 0 OR extra_minor < 0)
);

CREATE TABLE contract_line (
    realm_no integer NOT NULL,
    job_id bigint NOT NULL,
    version integer NOT NULL,
    line_id text NOT NULL,
    position integer NOT NULL,
    amount_minor bigint NOT NULL,
    description text NOT NULL,
    PRIMARY KEY (realm_no, job_id, version, line_id),
    FOREIGN KEY (realm_no, job_id, version) REFERENCES schedule
);

CREATE TABLE receipt (
    realm_no integer NOT NULL,
    job_id bigint NOT NULL,
    invoice_id text NOT NULL,
    milestone_id text NOT NULL,
    doc_number text NOT NULL,
    state text NOT NULL,
    billed_minor bigint NOT NULL,
    paid_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    outside_minor bigint NOT NULL,
    due_on date,
    settled_on date,
    PRIMARY KEY (realm_no, job_id, invoice_id),
    FOREIGN KEY (realm_no, job_id) REFERENCES job
);

CREATE TABLE decision (
    realm_no integer NOT NULL REFERENCES realm,
    decision_id bigint GENERATED ALWAYS AS IDENTITY,
    job_id bigint,
    kind text NOT NULL,
    subject text NOT NULL,
    facts jsonb NOT NULL,
    author text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT business_now(),
    PRIMARY KEY (realm_no, decision_id),
    FOREIGN KEY (realm_no, job_id) REFERENCES job
);

CREATE TABLE inbox (
    inbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    realm_no integer REFERENCES realm,
    event_key text NOT NULL UNIQUE,
    entity text NOT NULL,
    entity_id text NOT NULL,
    operation text NOT NULL,
    occurred_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT lease_now(),
    body_sealed bytea
);

CREATE TABLE work (
    realm_no integer NOT NULL REFERENCES realm,
    work_id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    queue text NOT NULL,
    job_id bigint,
    lane text NOT NULL,
    target text,
    effect_key text UNIQUE,
    coalesce_key text,
    priority integer NOT NULL,
    state text NOT NULL DEFAULT 'ready'
        CHECK (state IN ('proposed', 'ready', 'sent', 'running', 'done', 'parked', 'cancelled')),
    payload jsonb NOT NULL DEFAULT '{}',
    fingerprint text,
    plan_hash text,
    attempts integer NOT NULL DEFAULT 0,
    first_tried_at timestamptz,
    not_before timestamptz,
    retry_at timestamptz NOT NULL DEFAULT lease_now(),
    token bigint NOT NULL DEFAULT 0,
    process_id text,
    lease_until timestamptz,
    sent_at timestamptz,
    asked_at timestamptz,
    request_id text,
    result jsonb,
    error_class text,
    error text,
    remedy text,
    created_at timestamptz NOT NULL DEFAULT lease_now(),
    done_at timestamptz,
    PRIMARY KEY (realm_no, work_id),
    FOREIGN KEY (realm_no, job_id) REFERENCES job
);
CREATE SEQUENCE work_token;
CREATE INDEX work_ready ON work (retry_at) WHERE state = 'ready';
CREATE INDEX work_in_hand ON work (state) WHERE state IN ('sent', 'running');
CREATE INDEX work_by_job ON work (realm_no, job_id);
CREATE UNIQUE INDEX one_running_a_lane ON work (realm_no, lane) WHERE state = 'running';
CREATE UNIQUE INDEX one_waiting_alike ON work (realm_no, coalesce_key) WHERE state IN ('ready', 'sent');
CREATE UNIQUE INDEX one_unfinished_a_target ON work (realm_no, target)
    WHERE target IS NOT NULL AND state IN ('proposed', 'ready', 'sent', 'running', 'parked');

CREATE TABLE attempt (
    realm_no integer NOT NULL,
    work_id bigint NOT NULL,
    number integer NOT NULL,
    process_id text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT lease_now(),
    ended_at timestamptz,
    outcome text,
    error_class text,
    error text,
    intuit_tid text,
    PRIMARY KEY (realm_no, work_id, number),
    FOREIGN KEY (realm_no, work_id) REFERENCES work
);

CREATE TABLE timer (
    realm_no integer NOT NULL REFERENCES realm,
    name text NOT NULL,
    every_s integer NOT NULL CHECK (every_s > 0),
    next_at timestamptz NOT NULL,
    PRIMARY KEY (realm_no, name)
);

CREATE TABLE journal (
    realm_no integer NOT NULL,
    entry_no bigint GENERATED ALWAYS AS IDENTITY,
    job_id bigint NOT NULL,
    job_version integer NOT NULL,
    at timestamptz NOT NULL DEFAULT business_now(),
    cause text NOT NULL,
    author text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    chain text NOT NULL,
    PRIMARY KEY (realm_no, entry_no),
    UNIQUE (realm_no, job_id, job_version),
    FOREIGN KEY (realm_no, job_id) REFERENCES job
);

CREATE TABLE finding (
    realm_no integer NOT NULL REFERENCES realm,
    finding_id bigint GENERATED ALWAYS AS IDENTITY,
    job_id bigint,
    code text NOT NULL,
    subject text NOT NULL,
    facts jsonb NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT business_now(),
    closed_at timestamptz,
    PRIMARY KEY (realm_no, finding_id),
    FOREIGN KEY (realm_no, job_id) REFERENCES job
);
CREATE UNIQUE INDEX one_open_finding ON finding (realm_no, code, subject) WHERE closed_at IS NULL;

CREATE TABLE portal_link (
    realm_no integer NOT NULL,
    job_id bigint NOT NULL,
    serial integer NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (realm_no, job_id, serial),
    FOREIGN KEY (realm_no, job_id) REFERENCES job
);

CREATE TABLE metered_call (
    realm_no integer NOT NULL REFERENCES realm,
    month date NOT NULL,
    calls bigint NOT NULL,
    PRIMARY KEY (realm_no, month)
);

-- I1: at every commit the parts are the whole.
CREATE FUNCTION check_schedule_sum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE planned bigint; owed bigint;
BEGIN
    SELECT contract_total_minor + credit_minor - unallocated_minor INTO owed FROM schedule
     WHERE (realm_no, job_id, version) = (NEW.realm_no, NEW.job_id, NEW.version);
    SELECT coalesce(sum(amount_minor), 0) INTO planned FROM milestone
     WHERE (realm_no, job_id, version) = (NEW.realm_no, NEW.job_id, NEW.version);
    IF planned <> owed THEN
        RAISE EXCEPTION 'job % version %: milestones add up to %, contract + credit - unallocated is %',
            NEW.job_id, NEW.version, planned, owed USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER schedule_sum AFTER INSERT OR UPDATE ON schedule
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_schedule_sum();
CREATE CONSTRAINT TRIGGER milestone_sum AFTER INSERT OR UPDATE ON milestone
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_schedule_sum();

-- I3: what is locked does not move while billed and paid stand.
CREATE FUNCTION check_locked_stands() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moved bigint;
BEGIN
    SELECT amount_minor INTO moved FROM milestone
     WHERE (realm_no, job_id, milestone_id) = (NEW.realm_no, NEW.job_id, NEW.milestone_id)
       AND version = (SELECT max(version) FROM schedule
                       WHERE (realm_no, job_id) = (NEW.realm_no, NEW.job_id) AND version < NEW.version)
       AND share = 'locked' AND billed_minor = NEW.billed_minor AND paid_minor = NEW.paid_minor
       AND amount_minor <> NEW.amount_minor;
    IF FOUND THEN
        RAISE EXCEPTION 'job % milestone %: locked at %, cannot become %',
            NEW.job_id, NEW.milestone_id, moved, NEW.amount_minor USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER locked_stands BEFORE INSERT ON milestone FOR EACH ROW EXECUTE FUNCTION check_locked_stands();

-- Tenants.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['realm', 'mirror', 'job', 'job_document', 'event', 'schedule', 'milestone', 'contract_line',
        'receipt', 'decision', 'inbox', 'work', 'attempt', 'timer', 'journal', 'finding', 'portal_link', 'metered_call']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY one_tenant ON %I TO milestone_app USING (realm_no = tenant()) WITH CHECK (realm_no = tenant())', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO milestone_app', name);
    END LOOP;
END $$;

-- A company is found by the keyed hash of its id, a portal link by the hash of its token: never by listing.
CREATE POLICY by_lookup ON realm TO milestone_app USING (realm_id_hmac = lookup()) WITH CHECK (realm_id_hmac = lookup());
CREATE POLICY by_lookup ON portal_link FOR SELECT TO milestone_app USING (token_hash = lookup());
-- A signed notification that nobody could read belongs to no company yet; its body is sealed.
CREATE POLICY of_nobody ON inbox TO milestone_app USING (realm_no IS NULL) WITH CHECK (realm_no IS NULL);

REVOKE UPDATE, DELETE ON journal, decision, attempt FROM milestone_app;
GRANT UPDATE (ended_at, outcome, error_class, error, intuit_tid) ON attempt TO milestone_app;
REVOKE DELETE ON realm, job, schedule, work, inbox FROM milestone_app;

GRANT SELECT, INSERT, UPDATE ON process TO milestone_app, milestone_dispatcher;
GRANT SELECT, INSERT, DELETE ON oauth_state TO milestone_app;
GRANT SELECT ON business_clock TO milestone_app;
GRANT SELECT, UPDATE ON business_clock TO milestone_dispatcher;
GRANT USAGE ON SEQUENCE work_token TO milestone_app;

-- The dispatcher sees ids, times and states of all companies, nothing else.
CREATE POLICY every_tenant ON realm FOR SELECT TO milestone_dispatcher USING (true);
CREATE POLICY every_tenant ON job FOR SELECT TO milestone_dispatcher USING (true);
CREATE POLICY every_tenant ON work TO milestone_dispatcher USING (true) WITH CHECK (true);
CREATE POLICY every_tenant ON timer TO milestone_dispatcher USING (true) WITH CHECK (true);
CREATE POLICY every_tenant ON attempt FOR UPDATE TO milestone_dispatcher USING (true);
CREATE POLICY every_tenant_seen ON attempt FOR SELECT TO milestone_dispatcher USING (true);
GRANT SELECT (realm_no, state, blocked_until, synced_at, webhook_seen_at) ON realm TO milestone_dispatcher;
GRANT SELECT (realm_no, job_id, look_at) ON job TO milestone_dispatcher;
GRANT SELECT (realm_no, work_id, kind, queue, job_id, lane, coalesce_key, priority, state, attempts, not_before, retry_at, token,
              process_id, lease_until, sent_at, asked_at, created_at, done_at, first_tried_at) ON work TO milestone_dispatcher;
GRANT INSERT (realm_no, kind, queue, job_id, lane, coalesce_key, priority) ON work TO milestone_dispatcher;
GRANT UPDATE (state, sent_at, retry_at, process_id, lease_until, error_class, error, remedy) ON work TO milestone_dispatcher;
GRANT SELECT, UPDATE ON timer TO milestone_dispatcher;
GRANT SELECT (realm_no, work_id, number, ended_at), UPDATE (ended_at, outcome) ON attempt TO milestone_dispatcher;
