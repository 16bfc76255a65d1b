-- How often runs have ended in each way, ever: runs themselves are purged, and a counter must not fall.
CREATE TABLE run_totals (
    source INTEGER NOT NULL REFERENCES sources (id),
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (source, outcome)
) STRICT, WITHOUT ROWID;

INSERT INTO run_totals (source, outcome, count)
SELECT source, outcome, count(*) FROM runs WHERE outcome <> 'running' GROUP BY source, outcome;

CREATE TRIGGER runs_are_counted AFTER UPDATE OF outcome ON runs
WHEN old.outcome = 'running' AND new.outcome <> 'running'
BEGIN
    INSERT INTO run_totals (source, outcome, count) VALUES (new.source, new.outcome, 1)
    ON CONFLICT DO UPDATE SET count = count + 1;
END;
