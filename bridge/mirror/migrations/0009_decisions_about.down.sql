-- Lost: which class or platform was paused, resumed or retired; who did it stays.

ALTER TABLE decisions DROP COLUMN about;
