-- What the operator's pages ask for: what was changed of late, and people who are in several sources.
CREATE INDEX runs_applied ON runs (started) WHERE outcome = 'applied';
CREATE INDEX users_by_email ON users ("email" COLLATE NOCASE, source) WHERE "email" IS NOT NULL AND status = 'active';

-- Of whom a held plan would change role or status, and what the source said of each when it was held.
CREATE TABLE held_changes (
    run INTEGER NOT NULL REFERENCES runs (id),
    subject TEXT NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (run, subject)
) STRICT, WITHOUT ROWID;
