-- What keeps companies apart and alive. Additive: workers of the version before go on working.

-- Calls in a row that found nobody: from a number on the company's circuit is open (sync/quickbooks/circuit.py).
ALTER TABLE realm ADD COLUMN trouble integer NOT NULL DEFAULT 0;
-- While Redis is away the next call of a company may be made from here on (sync/quickbooks/limits.py).
ALTER TABLE realm ADD COLUMN paced_until timestamptz;
-- A company that is connected again must be the one that it was: checked when the consent comes back.
ALTER TABLE oauth_state ADD COLUMN realm_no integer;

-- A body that nobody could read is kept for a person, and not for ever.
CREATE INDEX inbox_unread ON inbox (received_at) WHERE body_sealed IS NOT NULL;

-- Erasing a company that is disconnected: everything of the tenant that is set, in the order of the foreign keys. The app may
-- not delete history itself; this function may, for one company, when nothing of it is at work any more.
CREATE FUNCTION erase_tenant() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE name text; gone bigint; total bigint := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM realm WHERE realm_no = tenant() AND state = 'disconnected') THEN
        RAISE EXCEPTION 'only a disconnected company can be erased' USING ERRCODE = 'insufficient_privilege';
    END IF;
    FOREACH name IN ARRAY ARRAY['attempt', 'work', 'milestone', 'contract_line', 'schedule', 'receipt', 'event', 'journal',
        'finding', 'portal_link', 'decision', 'job_document', 'job', 'inbox', 'timer', 'metered_call', 'mirror', 'realm']
    LOOP
        EXECUTE format('DELETE FROM %I WHERE realm_no = tenant()', name);
        GET DIAGNOSTICS gone = ROW_COUNT;
        total := total + gone;
    END LOOP;
    RETURN total;
END $$;
REVOKE ALL ON FUNCTION erase_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_tenant() TO milestone_app;

-- The function runs as the owner, and the owner too is bound by row-level security: to the tenant that is set.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['realm', 'mirror', 'job', 'job_document', 'event', 'schedule', 'milestone', 'contract_line',
        'receipt', 'decision', 'inbox', 'work', 'attempt', 'timer', 'journal', 'finding', 'portal_link', 'metered_call']
    LOOP
        EXECUTE format('CREATE POLICY erasing ON %I TO milestone_owner USING (realm_no = tenant())', name);
    END LOOP;
END $$;
