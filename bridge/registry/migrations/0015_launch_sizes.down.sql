-- Lost: nothing but a count, which is taken again.

DROP INDEX launches_by_tool;
ALTER TABLE launches DROP COLUMN size;
