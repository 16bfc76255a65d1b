-- Lost: limits of operators to sources and masked names. An older version would show them everything, so the accounts of
-- those who have such limits go: make them anew where that is meant.

DELETE FROM operators WHERE sources IS NOT NULL OR unmasks = 0;
ALTER TABLE operators DROP COLUMN unmasks;
ALTER TABLE operators DROP COLUMN sources;
