-- Stamps are UTC texts with milliseconds, so that their order is the order of time.

-- A tenant's name is part of every sourcedId made for it, so it outlives its registrations.
CREATE TABLE tenants (
    name TEXT PRIMARY KEY,
    created TEXT NOT NULL
) STRICT;

CREATE TABLE platforms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL REFERENCES tenants (name),
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    auth_login_url TEXT NOT NULL,
    token_url TEXT NOT NULL,
    token_audience TEXT,
    jwks_url TEXT NOT NULL,
    vendor TEXT NOT NULL,
    options TEXT NOT NULL CHECK (json_type(options) = 'object'),
    created TEXT NOT NULL,
    UNIQUE (issuer, client_id)
) STRICT;

CREATE INDEX platforms_by_tenant ON platforms (tenant);

CREATE TABLE deployments (
    platform INTEGER NOT NULL REFERENCES platforms (id) ON DELETE CASCADE,
    deployment_id TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (platform, deployment_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE contexts (
    tenant TEXT NOT NULL REFERENCES tenants (name),
    key TEXT NOT NULL,
    context_id TEXT NOT NULL,
    platform INTEGER NOT NULL REFERENCES platforms (id) ON DELETE CASCADE,
    deployment_id TEXT,
    memberships_url TEXT NOT NULL,
    label TEXT,
    title TEXT,
    added_by TEXT NOT NULL CHECK (added_by IN ('launch', 'operator')),
    created TEXT NOT NULL,
    last_launch TEXT,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX contexts_by_platform ON contexts (platform);

CREATE TABLE clients (
    client_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    sources TEXT CHECK (sources IS NULL OR json_type(sources) = 'array'), -- NULL: every source
    body_style TEXT CHECK (body_style IN ('counters', 'strict')), -- NULL: as the setting says
    created TEXT NOT NULL,
    revoked TEXT
) STRICT;

CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_client ON tokens (client_id);
CREATE INDEX tokens_by_expiry ON tokens (expires);

CREATE TABLE keys (
    kid TEXT PRIMARY KEY,
    private_pem TEXT NOT NULL,
    position INTEGER NOT NULL UNIQUE, -- the lowest that is not retired signs
    created TEXT NOT NULL,
    retired TEXT
) STRICT;

CREATE TABLE logins (
    state_hash BLOB PRIMARY KEY,
    platform INTEGER NOT NULL REFERENCES platforms (id) ON DELETE CASCADE,
    nonce TEXT NOT NULL,
    browser_hash BLOB NOT NULL,
    target_link_uri TEXT NOT NULL,
    deployment_id TEXT, -- as hinted in the login request
    expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX logins_by_platform ON logins (platform);
CREATE INDEX logins_by_expiry ON logins (expires);

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL CHECK (json_type(payload) = 'object'),
    created TEXT NOT NULL,
    taken TEXT
) STRICT;

-- What waits already need not wait twice: a whole course may launch in one minute.
CREATE UNIQUE INDEX inbox_waiting ON inbox (kind, payload) WHERE taken IS NULL;

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires TEXT NOT NULL,
    fence INTEGER NOT NULL -- grows with every new holding, and never falls
) STRICT;

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    created TEXT NOT NULL
) STRICT;
