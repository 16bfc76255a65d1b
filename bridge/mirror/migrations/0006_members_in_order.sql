-- The members of a context in the order in which they were first stated: rowid, here id, ends every index by itself.
CREATE INDEX facts_of_members ON facts (source, context) WHERE kind = 'member' AND gone IS NULL;
