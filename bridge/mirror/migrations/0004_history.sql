-- What a run replaced among the facts, so that it can be undone: added, changed (raw is what was said before) or
-- removed. The text of a removed fact stays in facts.
CREATE TABLE fact_changes (
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    change TEXT NOT NULL,
    raw TEXT,
    PRIMARY KEY (run, kind, subject)
) STRICT;

CREATE INDEX facts_by_gone ON facts (gone) WHERE gone IS NOT NULL;
CREATE INDEX writes_by_run ON writes (run);
CREATE INDEX outbox_by_source ON outbox (source, event);
CREATE INDEX outbox_by_write ON outbox (changed);

-- How far the outbox has been emptied: events up to this one are gone, and none with an earlier stamp is left.
INSERT INTO meta (key, value) VALUES ('events_gone', '0'), ('events_gone_before', '');
