-- How reading each context goes, which decides when it is read again. Changed with its runs, in the same transaction.
-- good is when the latest run began that left the mirror agreeing with the source; failures and gone count runs since.
CREATE TABLE attempts (
    source INTEGER NOT NULL REFERENCES sources (id),
    context TEXT NOT NULL,
    run INTEGER NOT NULL,
    started TEXT NOT NULL,
    outcome TEXT NOT NULL,
    good TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0,
    gone_since TEXT,
    not_before TEXT, -- the source has asked to be left alone until then
    PRIMARY KEY (source, context)
) STRICT, WITHOUT ROWID;

INSERT INTO attempts (source, context, run, started, outcome, good)
SELECT source, context, id, started, outcome,
    (SELECT max(started) FROM runs AS g
        WHERE g.source = runs.source AND g.context = runs.context AND g.outcome IN ('applied', 'unchanged'))
FROM runs WHERE id IN (SELECT max(id) FROM runs GROUP BY source, context);

-- details: members of whom nothing but names and the like changed. decided_by: who let the run through, if somebody did.
ALTER TABLE runs ADD COLUMN details INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN decided_by TEXT;
CREATE INDEX runs_by_start ON runs (source, started);
CREATE INDEX runs_held ON runs (source, context) WHERE outcome = 'held';

-- What somebody decided: about a run, or about a context as a whole, and the run that it led to.
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    made TEXT NOT NULL,
    made_by TEXT NOT NULL,
    run INTEGER REFERENCES runs (id),
    led_to INTEGER REFERENCES runs (id)
) STRICT;
CREATE INDEX decisions_by_run ON decisions (run);
CREATE INDEX decisions_by_result ON decisions (led_to);

-- Most records have no dates, and those that come today are few.
CREATE INDEX "enrollments_by_beginDate" ON "enrollments" ("beginDate") WHERE "beginDate" IS NOT NULL;
CREATE INDEX "enrollments_by_endDate" ON "enrollments" ("endDate") WHERE "endDate" IS NOT NULL;
CREATE INDEX "academicSessions_by_startDate" ON "academicSessions" ("startDate") WHERE "startDate" IS NOT NULL;
CREATE INDEX "academicSessions_by_endDate" ON "academicSessions" ("endDate") WHERE "endDate" IS NOT NULL;
