-- The roles of each person's latest launch of a context, for platforms that say less of them in NRPS.
CREATE TABLE launch_roles (
    tenant TEXT NOT NULL,
    context TEXT NOT NULL,
    user_id TEXT NOT NULL,
    roles TEXT NOT NULL CHECK (json_type(roles) = 'array'),
    launched TEXT NOT NULL,
    PRIMARY KEY (tenant, context, user_id),
    FOREIGN KEY (tenant, context) REFERENCES contexts (tenant, key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
