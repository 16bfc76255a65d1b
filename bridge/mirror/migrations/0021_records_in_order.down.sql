-- Nothing is lost.

DROP INDEX facts_of_records;
