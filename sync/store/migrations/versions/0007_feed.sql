-- A document that did not come where its kind was read whole: nobody told that it was deleted, and it
-- lives again if it comes. How those were deleted that stand here already, nobody noted: a guess, too.
ALTER TABLE mirror ADD COLUMN is_missing boolean NOT NULL DEFAULT true;
ALTER TABLE mirror ALTER COLUMN is_missing SET DEFAULT false;

-- A signed delivery that says not even whose it is may tell of any company: the dispatcher, which knows them all, sees when it came.
CREATE POLICY of_nobody_seen ON inbox FOR SELECT TO milestone_dispatcher USING (realm_no IS NULL);
GRANT SELECT (realm_no, operation, received_at) ON inbox TO milestone_dispatcher;
CREATE INDEX inbox_of_nobody ON inbox (received_at) WHERE realm_no IS NULL;
