-- Jobs that were billed before we came, a journal of everything, and a restore that is recovered. Additive.

-- An invoice that a person made, given to a milestone on a person's yes: we never change it.
ALTER TABLE job_document ADD COLUMN is_adopted boolean NOT NULL DEFAULT false;

-- Not only new versions of the schedule: decisions, events and what became of effects are entries too.
ALTER TABLE journal DROP CONSTRAINT journal_realm_no_job_id_job_version_key;
-- How the chain was made: 1 over before, after, cause and version; 2 over the whole entry.
ALTER TABLE journal ADD COLUMN chain_form integer NOT NULL DEFAULT 1;
CREATE INDEX journal_by_job ON journal (realm_no, job_id, entry_no);
