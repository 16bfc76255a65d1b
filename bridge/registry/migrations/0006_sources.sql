-- OneRoster providers that rosters are read from. The name stands for the source in the mirror, so it is a tenant's too.
-- The secret is readable, since the provider wants to see it, or to see that it was signed with.
CREATE TABLE sources (
    name TEXT PRIMARY KEY REFERENCES tenants (name),
    base_url TEXT NOT NULL,
    version TEXT NOT NULL CHECK (version IN ('1.1', '1.2')),
    auth TEXT NOT NULL,
    token_url TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    prefix TEXT NOT NULL,
    demographics INTEGER NOT NULL,
    changes TEXT NOT NULL,
    page_limit INTEGER, -- NULL: as the setting says
    freshness_hours INTEGER, -- NULL: likewise
    created TEXT NOT NULL
) STRICT;

CREATE TABLE source_pauses (
    source TEXT PRIMARY KEY REFERENCES sources (name) ON DELETE CASCADE,
    since TEXT NOT NULL,
    paused_by TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
