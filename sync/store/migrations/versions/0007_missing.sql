-- A document that did not come where its kind was read whole: nobody told that it was deleted, and it
-- lives again if it comes. How those were deleted that stand here already, nobody noted: a guess, too.
ALTER TABLE mirror ADD COLUMN is_missing boolean NOT NULL DEFAULT true;
ALTER TABLE mirror ALTER COLUMN is_missing SET DEFAULT false;
