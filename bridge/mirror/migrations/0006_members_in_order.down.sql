DROP INDEX facts_of_members;
