ALTER TABLE contexts DROP COLUMN bookmark;
