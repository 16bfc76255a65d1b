-- Where clients that count offsets have come to: a memory, which may be deleted at any time.

CREATE TABLE places (
    client TEXT NOT NULL,
    query BLOB NOT NULL, -- a hash: filters may hold names
    offset INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    key TEXT,
    total INTEGER NOT NULL,
    kept TEXT NOT NULL,
    PRIMARY KEY (client, query, offset)
) STRICT, WITHOUT ROWID;

CREATE INDEX places_by_age ON places (kept);
