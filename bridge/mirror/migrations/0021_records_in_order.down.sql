-- Lost: nothing.

DROP INDEX facts_of_records;
