-- What to ask a context's source with to be told only what has changed since this mirror last agreed with it. It is
-- committed with what was read, so that it is never ahead of the facts.
ALTER TABLE contexts ADD COLUMN bookmark TEXT;
