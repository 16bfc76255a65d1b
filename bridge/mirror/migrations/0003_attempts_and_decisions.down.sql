-- Lost: who approved, rejected, paused, resumed or undid what.

-- How reading each context went is told anew from the runs, should the file be taken forward again.

DROP INDEX "enrollments_by_beginDate";
DROP INDEX "enrollments_by_endDate";
DROP INDEX "academicSessions_by_startDate";
DROP INDEX "academicSessions_by_endDate";

DROP TABLE decisions;

DROP INDEX runs_by_start;
DROP INDEX runs_held;
ALTER TABLE runs DROP COLUMN decided_by;
ALTER TABLE runs DROP COLUMN details;

DROP TABLE attempts;
