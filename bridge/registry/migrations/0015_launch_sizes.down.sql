-- Nothing is lost.

DROP INDEX launches_by_tool;
ALTER TABLE launches DROP COLUMN size;
