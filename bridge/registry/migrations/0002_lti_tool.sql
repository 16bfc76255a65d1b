-- The frame that keeps data for the tool, where the platform offers one: LTI Platform Storage.
ALTER TABLE logins ADD COLUMN storage_target TEXT;

-- A key that somebody else has got hold of is published no more from the moment it is retired.
ALTER TABLE keys ADD COLUMN withdrawn TEXT;

-- Links by which one LMS may register itself, once.
CREATE TABLE invitations (
    code_hash BLOB PRIMARY KEY,
    tenant TEXT, -- NULL: a new one, named after the issuer
    created TEXT NOT NULL,
    expires TEXT NOT NULL,
    used TEXT
) STRICT, WITHOUT ROWID;

-- LMSs that have registered themselves and wait for the operator.
CREATE TABLE registrations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    deployment_id TEXT,
    auth_login_url TEXT NOT NULL,
    token_url TEXT NOT NULL,
    token_audience TEXT,
    jwks_url TEXT NOT NULL,
    vendor TEXT NOT NULL,
    product TEXT NOT NULL, -- what the LMS calls itself
    created TEXT NOT NULL,
    UNIQUE (issuer, client_id)
) STRICT;
