-- Where a company's books are not read for lack of reads, effects do not wait for them.
ALTER TABLE realm ADD COLUMN rests_until timestamptz;  -- business time
GRANT SELECT (pulled_at, rests_until) ON realm TO milestone_dispatcher;

-- The companies whose effects wait for their books: a pull is due or under way, or none has come back
-- since the company was connected, or for an hour since its sweep should have. Where no reads are left
-- for a pull, nobody waits for it.
CREATE VIEW unread_realm WITH (security_invoker = true) AS
    SELECT realm.realm_no
      FROM realm LEFT JOIN timer ON timer.realm_no = realm.realm_no AND timer.name = 'sweep'
     WHERE realm.realm_no IN (
               SELECT realm_no FROM work WHERE state IN ('sent', 'running') AND kind = 'pull'
               UNION ALL
               SELECT realm_no FROM work
                WHERE state = 'ready' AND retry_at <= lease_now() AND kind = 'pull')
        OR realm.pulled_at IS NULL
        OR (realm.synced_at < business_now() - make_interval(secs => timer.every_s + 3600)
            AND coalesce(realm.rests_until, '-infinity') <= business_now());
GRANT SELECT ON unread_realm TO milestone_dispatcher;

-- The end of a job's journal: a missing last entry shows. NULL: of a time before, or of a backup from then.
ALTER TABLE job ADD COLUMN journal_count bigint;
ALTER TABLE job ADD COLUMN journal_head text;

-- Policies and time limits are for every day; this is the owner's, once.
SET LOCAL statement_timeout = 0;
ALTER TABLE job NO FORCE ROW LEVEL SECURITY;
ALTER TABLE journal NO FORCE ROW LEVEL SECURITY;
UPDATE job SET (journal_count, journal_head) = (
    SELECT count(*), (array_agg(chain ORDER BY entry_no DESC))[1] FROM journal
     WHERE journal.realm_no = job.realm_no AND journal.job_id = job.job_id);
ALTER TABLE job FORCE ROW LEVEL SECURITY;
ALTER TABLE journal FORCE ROW LEVEL SECURITY;
