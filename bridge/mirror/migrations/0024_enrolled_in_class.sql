-- Whom a class has, by role and status, found without a look at any enrollment, or at what other sources say.
CREATE INDEX enrollments_in_class ON enrollments (source, "class.sourcedId", "role", "status", "user.sourcedId");
