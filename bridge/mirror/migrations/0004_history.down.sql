-- Lost: what undoing needs: no run of until now can be undone any more.

DROP TABLE fact_changes;
DROP INDEX facts_by_gone;
DROP INDEX writes_by_run;
DROP INDEX outbox_by_source;
DROP INDEX outbox_by_write;

-- Where events have been dropped, a place in the feed means nothing once this is forgotten: consumers begin anew.
UPDATE meta SET value = lower(hex(randomblob(16)))
WHERE key = 'epoch' AND EXISTS (SELECT 1 FROM meta WHERE key = 'events_gone' AND value <> '0');
DELETE FROM meta WHERE key IN ('events_gone', 'events_gone_before');
