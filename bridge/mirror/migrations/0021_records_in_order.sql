-- The records of a source in the order in which they were first stated, as facts_of_members has members.
CREATE INDEX facts_of_records ON facts (source, context) WHERE kind = 'record' AND gone IS NULL;
