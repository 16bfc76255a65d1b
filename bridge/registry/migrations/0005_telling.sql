-- Who is told of changes, and how far each has come. The secret is readable, since every message is signed with it.
-- position is the last event that was accepted, attempted the last one of the message that is being tried; both mean
-- something in one epoch of the mirror only.
CREATE TABLE webhooks (
    name TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    secret BLOB NOT NULL,
    sources TEXT CHECK (sources IS NULL OR json_type(sources) = 'array'), -- NULL: every source
    collections TEXT NOT NULL CHECK (json_type(collections) = 'array'),
    epoch TEXT NOT NULL,
    position INTEGER NOT NULL,
    attempted INTEGER,
    gap INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since TEXT,
    next_try TEXT,
    problem TEXT NOT NULL DEFAULT '',
    stopped TEXT,
    last_success TEXT,
    created TEXT NOT NULL
) STRICT;
