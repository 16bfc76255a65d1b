-- What secrets are sealed with that have to be read again: those of sources and webhooks, and the bridge's own. It is
-- wrapped itself, with the passphrase of storage.key_file. Without a row, secrets lie in clear.
CREATE TABLE sealing_keys (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    wrapped BLOB NOT NULL,
    created TEXT NOT NULL
) STRICT;
