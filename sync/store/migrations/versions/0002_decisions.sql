-- What the engine's remaining rules need kept. Additive: workers of the version before go on working.

-- A job can be called off.
ALTER TABLE job DROP CONSTRAINT job_state_check;
ALTER TABLE job ADD CONSTRAINT job_state_check CHECK (state IN ('active', 'frozen', 'unmapped', 'cancelled'));

-- A milestone may have a second invoice (policy `supplement`, billed again); never two live ones of one number.
DROP INDEX one_live_invoice;
CREATE UNIQUE INDEX one_live_invoice ON job_document (realm_no, job_id, milestone_id, ordinal) WHERE role = 'invoice' AND is_live;

-- An invoice that was settled and is not any more: its payment was taken back.
ALTER TABLE job_document ADD COLUMN was_settled boolean NOT NULL DEFAULT false;
ALTER TABLE job_document ADD COLUMN is_settled boolean NOT NULL DEFAULT false;  -- at the last look
ALTER TABLE job_document ADD COLUMN reversals integer NOT NULL DEFAULT 0;       -- how often settled, then open again

-- Where change orders were put when they came, what stands on account, what a pending change order would do.
ALTER TABLE schedule ADD COLUMN bound jsonb NOT NULL DEFAULT '[]';
ALTER TABLE schedule ADD COLUMN on_account_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE schedule ADD COLUMN previews jsonb NOT NULL DEFAULT '[]';
ALTER TABLE schedule ADD COLUMN proposal jsonb;
ALTER TABLE schedule ADD COLUMN wordings jsonb NOT NULL DEFAULT '[]';
ALTER TABLE milestone ADD COLUMN pool text NOT NULL DEFAULT '';

-- When a company was pulled last, on the real clock: did a webhook tell of what a pull finds?
ALTER TABLE realm ADD COLUMN pulled_at timestamptz;

-- Two events of one second are told apart from one (sync/inbox.py).
CREATE INDEX inbox_by_document ON inbox (realm_no, entity, entity_id);
