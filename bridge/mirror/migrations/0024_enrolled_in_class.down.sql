-- Nothing is lost.

DROP INDEX enrollments_in_class;
