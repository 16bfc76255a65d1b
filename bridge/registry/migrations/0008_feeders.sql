-- LTI tools at the bridge's own interface: their keys, what they may hand in, and the launches that they have been given.

-- Two of a tool's keys may be live, so that one can be changed for the other.
CREATE TABLE tool_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tool TEXT NOT NULL REFERENCES tools (client_id) ON DELETE CASCADE,
    hash BLOB NOT NULL UNIQUE,
    created TEXT NOT NULL,
    revoked TEXT
) STRICT;
CREATE INDEX tool_keys_by_tool ON tool_keys (tool);

-- The audiences of the launches that a tool may hand in: its own client ids at platforms, and whose people these are.
CREATE TABLE feeder_audiences (
    tool TEXT NOT NULL REFERENCES tools (client_id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    deployment_id TEXT NOT NULL, -- '': any
    tenant TEXT NOT NULL REFERENCES tenants (name),
    jwks_url TEXT NOT NULL,
    vendor TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (tool, issuer, client_id, deployment_id)
) STRICT, WITHOUT ROWID;

-- Contexts that are known because somebody was launched from them, whether or not their rosters can be read.
CREATE TABLE fed_contexts (
    tenant TEXT NOT NULL REFERENCES tenants (name),
    key TEXT NOT NULL,
    context_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    deployment_id TEXT,
    vendor TEXT NOT NULL,
    label TEXT,
    title TEXT,
    feeder TEXT NOT NULL, -- who handed in the first launch
    created TEXT NOT NULL,
    last_launch TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

-- Where the browser goes with a launch that is handed on, and whose launches are.
CREATE TABLE applications (
    tool TEXT PRIMARY KEY REFERENCES tools (client_id) ON DELETE CASCADE,
    url TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE platform_applications (
    platform INTEGER PRIMARY KEY REFERENCES platforms (id) ON DELETE CASCADE,
    tool TEXT NOT NULL REFERENCES applications (tool) ON DELETE CASCADE
) STRICT;

-- Launches, as long as their ltik is good. token names a signed one by issuer, audience and nonce.
CREATE TABLE launches (
    ltik_hash BLOB PRIMARY KEY,
    tool TEXT NOT NULL REFERENCES tools (client_id) ON DELETE CASCADE,
    token BLOB UNIQUE,
    salt BLOB NOT NULL,
    tenant TEXT NOT NULL,
    context TEXT,
    person TEXT,
    claims TEXT NOT NULL CHECK (json_type(claims) = 'object'),
    expires TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX launches_by_expiry ON launches (expires);

CREATE TABLE service_keys (
    hash BLOB PRIMARY KEY,
    tool TEXT NOT NULL REFERENCES tools (client_id) ON DELETE CASCADE,
    api_key INTEGER NOT NULL REFERENCES tool_keys (id) ON DELETE CASCADE,
    tenant TEXT NOT NULL,
    context TEXT NOT NULL,
    resource_link TEXT NOT NULL,
    salt BLOB NOT NULL,
    created TEXT NOT NULL,
    UNIQUE (api_key, tenant, context, resource_link)
) STRICT, WITHOUT ROWID;
