-- People who may use the pages at /admin/. Ids are never used again, and a session names an id and a version: it ends
-- with the account, and when the version rises.
CREATE TABLE operators (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password_hash TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    created TEXT NOT NULL,
    last_sign_in TEXT
) STRICT;

-- Sign-ins that failed, by the hash of what is counted: an account and an address, either alone, or both together. What
-- was typed as a name may have been a password.
CREATE TABLE sign_in_failures (
    counted BLOB NOT NULL,
    failed TEXT NOT NULL
) STRICT;
CREATE INDEX sign_in_failures_counted ON sign_in_failures (counted, failed);
CREATE INDEX sign_in_failures_failed ON sign_in_failures (failed);

-- What operators have done on the pages, and whose data they have looked at.
CREATE TABLE activity (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    operator TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL
) STRICT;
CREATE INDEX activity_by_time ON activity (at);

-- When a consumer or a tool was last given a token, and how far the holder of a lease has come.
ALTER TABLE clients ADD COLUMN last_token TEXT;
ALTER TABLE tools ADD COLUMN last_token TEXT;
ALTER TABLE leases ADD COLUMN progress INTEGER;
