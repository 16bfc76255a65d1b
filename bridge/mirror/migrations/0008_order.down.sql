-- Records are found by their index, and no longer in the order of one: an older version knows no other way.

DROP INDEX "orgs_by_seq";
DROP INDEX "orgs_by_sourcedId";
DROP INDEX "orgs_by_changed";
DROP INDEX "orgs_by_status";
DROP INDEX "orgs_by_name";
DROP INDEX "orgs_by_type";
DROP INDEX "orgs_by_kind_and_status";
CREATE INDEX "orgs_by_changed" ON "orgs" (changed);
CREATE INDEX "orgs_by_status" ON "orgs" (status);
CREATE INDEX "orgs_by_kind" ON "orgs" ("type");
CREATE INDEX "orgs_by_kind_and_status" ON "orgs" ("type", status);

DROP INDEX "academicSessions_by_seq";
DROP INDEX "academicSessions_by_sourcedId";
DROP INDEX "academicSessions_by_changed";
DROP INDEX "academicSessions_by_status";
DROP INDEX "academicSessions_by_type";
DROP INDEX "academicSessions_by_startDate";
DROP INDEX "academicSessions_by_endDate";
DROP INDEX "academicSessions_by_kind_and_status";
CREATE INDEX "academicSessions_by_changed" ON "academicSessions" (changed);
CREATE INDEX "academicSessions_by_status" ON "academicSessions" (status);
CREATE INDEX "academicSessions_by_kind" ON "academicSessions" ("type");
CREATE INDEX "academicSessions_by_kind_and_status" ON "academicSessions" ("type", status);

DROP INDEX "courses_by_seq";
DROP INDEX "courses_by_sourcedId";
DROP INDEX "courses_by_changed";
DROP INDEX "courses_by_status";
DROP INDEX "courses_by_title";
CREATE INDEX "courses_by_changed" ON "courses" (changed);
CREATE INDEX "courses_by_status" ON "courses" (status);

DROP INDEX "classes_by_seq";
DROP INDEX "classes_by_sourcedId";
DROP INDEX "classes_by_changed";
DROP INDEX "classes_by_status";
DROP INDEX "classes_by_title";
DROP INDEX "classes_by_classType";
DROP INDEX "classes_by_course.sourcedId";
DROP INDEX "classes_by_school.sourcedId";
DROP INDEX "classes_by_kind_and_status";
CREATE INDEX "classes_by_changed" ON "classes" (changed);
CREATE INDEX "classes_by_status" ON "classes" (status);
CREATE INDEX "classes_by_kind" ON "classes" ("classType");
CREATE INDEX "classes_by_kind_and_status" ON "classes" ("classType", status);

DROP INDEX "users_by_seq";
DROP INDEX "users_by_sourcedId";
DROP INDEX "users_by_changed";
DROP INDEX "users_by_status";
DROP INDEX "users_by_familyName";
DROP INDEX "users_by_givenName";
DROP INDEX "users_by_email";
DROP INDEX "users_by_username";
DROP INDEX "users_by_identifier";
CREATE INDEX "users_by_changed" ON "users" (changed);
CREATE INDEX "users_by_status" ON "users" (status);

DROP INDEX "enrollments_by_seq";
DROP INDEX "enrollments_by_sourcedId";
DROP INDEX "enrollments_by_changed";
DROP INDEX "enrollments_by_status";
DROP INDEX "enrollments_by_role";
DROP INDEX "enrollments_by_beginDate";
DROP INDEX "enrollments_by_endDate";
DROP INDEX "enrollments_by_user.sourcedId";
DROP INDEX "enrollments_by_class.sourcedId";
DROP INDEX "enrollments_by_school.sourcedId";
DROP INDEX "enrollments_by_kind_and_status";
CREATE INDEX "enrollments_by_changed" ON "enrollments" (changed);
CREATE INDEX "enrollments_by_status" ON "enrollments" (status);
CREATE INDEX "enrollments_by_kind" ON "enrollments" ("role");
CREATE INDEX "enrollments_by_kind_and_status" ON "enrollments" ("role", status);

DROP INDEX "demographics_by_seq";
DROP INDEX "demographics_by_sourcedId";
DROP INDEX "demographics_by_changed";
DROP INDEX "demographics_by_status";
CREATE INDEX "demographics_by_changed" ON "demographics" (changed);
CREATE INDEX "demographics_by_status" ON "demographics" (status);

CREATE INDEX "enrollments_by_beginDate" ON "enrollments" ("beginDate") WHERE "beginDate" IS NOT NULL;
CREATE INDEX "enrollments_by_endDate" ON "enrollments" ("endDate") WHERE "endDate" IS NOT NULL;
CREATE INDEX "academicSessions_by_startDate" ON "academicSessions" ("startDate") WHERE "startDate" IS NOT NULL;
CREATE INDEX "academicSessions_by_endDate" ON "academicSessions" ("endDate") WHERE "endDate" IS NOT NULL;
