-- LTI tools that read memberships here: what each may see, what it is told of people, and the keys that it signs with.
-- version moves whenever what it may see or is told changes, so that what was begun before is not gone on with.
CREATE TABLE tools (
    client_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    jwks_url TEXT,
    key_set TEXT CHECK (key_set IS NULL OR json_type(key_set, '$.keys') = 'array'),
    sources TEXT CHECK (sources IS NULL OR json_type(sources) = 'array'), -- NULL: every source
    classes TEXT CHECK (classes IS NULL OR json_type(classes) = 'array'), -- NULL: every class of these
    shares TEXT NOT NULL CHECK (json_type(shares) = 'array'),
    user_ids TEXT NOT NULL CHECK (user_ids IN ('lms', 'sourcedid')),
    version INTEGER NOT NULL DEFAULT 1,
    created TEXT NOT NULL,
    revoked TEXT,
    CHECK ((jwks_url IS NULL) <> (key_set IS NULL))
) STRICT;

CREATE TABLE tool_tokens (
    hash BLOB PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES tools (client_id) ON DELETE CASCADE,
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tool_tokens_by_client ON tool_tokens (client_id);
CREATE INDEX tool_tokens_by_expiry ON tool_tokens (expires);

-- Assertions that have been used, for as long as they could be used again: RFC 7523 section 3, jti.
CREATE TABLE assertions (
    client_id TEXT NOT NULL REFERENCES tools (client_id) ON DELETE CASCADE,
    jti_hash BLOB NOT NULL,
    expires TEXT NOT NULL,
    PRIMARY KEY (client_id, jti_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX assertions_by_expiry ON assertions (expires);
