-- How much is kept of the launches that a tool has handed in, and until when: told by the index, without reading them.
ALTER TABLE launches ADD COLUMN size INTEGER NOT NULL DEFAULT 0; -- of the claims, in characters
UPDATE launches SET size = length(claims);
CREATE INDEX launches_by_tool ON launches (tool, expires, size);
