-- What the operator has set for reconciling, beside the configuration and the platforms' options.

CREATE TABLE platform_pauses (
    platform INTEGER PRIMARY KEY REFERENCES platforms (id) ON DELETE CASCADE,
    since TEXT NOT NULL,
    paused_by TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TABLE context_pauses (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    since TEXT NOT NULL,
    paused_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, key),
    FOREIGN KEY (tenant, key) REFERENCES contexts (tenant, key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE context_targets (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    freshness_hours INTEGER NOT NULL,
    PRIMARY KEY (tenant, key),
    FOREIGN KEY (tenant, key) REFERENCES contexts (tenant, key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Whether a platform is asked at all while it fails: the circuit breaker. No row: it is closed and nothing has failed.
CREATE TABLE circuits (
    platform INTEGER PRIMARY KEY REFERENCES platforms (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('closed', 'open', 'half-open')),
    failures INTEGER NOT NULL, -- in a row while closed
    openings INTEGER NOT NULL, -- in a row, without a success between
    until TEXT -- when it is tried again, or when the trial in progress counts as lost
) STRICT;
