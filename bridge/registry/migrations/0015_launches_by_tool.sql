-- How much is kept of the launches that a tool has handed in, and until when.
CREATE INDEX launches_by_tool ON launches (tool, expires, length(claims));
