-- Lost: how the runs ended that have been purged; the others are counted again, should the file be taken forward.

DROP TRIGGER runs_are_counted;
DROP TABLE run_totals;
