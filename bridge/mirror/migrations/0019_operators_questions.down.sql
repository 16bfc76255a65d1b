-- Lost: of held plans, whose role or status they would change.

DROP TABLE held_changes;
DROP INDEX users_by_address;
DROP INDEX runs_applied;
