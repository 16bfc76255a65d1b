-- What a client may see beside its sources, and how much of a person it is told. NULL: no limit.
ALTER TABLE clients ADD COLUMN orgs TEXT CHECK (orgs IS NULL OR json_type(orgs) = 'array');
ALTER TABLE clients ADD COLUMN classes TEXT CHECK (classes IS NULL OR json_type(classes) = 'array');
ALTER TABLE clients ADD COLUMN privacy TEXT NOT NULL DEFAULT 'public';

-- While a client changes over to a new secret, the former one is good for a while.
ALTER TABLE clients ADD COLUMN former_hash BLOB;
ALTER TABLE clients ADD COLUMN former_until TEXT;

-- Webhooks are limited like clients are.
ALTER TABLE webhooks ADD COLUMN orgs TEXT CHECK (orgs IS NULL OR json_type(orgs) = 'array');
ALTER TABLE webhooks ADD COLUMN classes TEXT CHECK (classes IS NULL OR json_type(classes) = 'array');

-- People who were erased, by keyed hashes of their sourcedIds: who they were can only be told by who has the id and the
-- key.
CREATE TABLE erased (
    mark BLOB PRIMARY KEY,
    erased TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How often somebody came to a door in a minute.
CREATE TABLE tries (
    door TEXT NOT NULL,
    who TEXT NOT NULL,
    minute INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (door, who, minute)
) STRICT, WITHOUT ROWID;
