-- Records in order. An index holds (key, seq, source): it gives the records in the order of a field, leads to those with
-- one value in the order of seq, and tells whose they are without the record being read. The key of a field that may be
-- missing is x'' where it is, which comes behind every text. <collection>_by_seq has every record in the default order.

DROP INDEX "enrollments_by_beginDate";
DROP INDEX "enrollments_by_endDate";
DROP INDEX "academicSessions_by_startDate";
DROP INDEX "academicSessions_by_endDate";

DROP INDEX "orgs_by_changed";
DROP INDEX "orgs_by_status";
DROP INDEX "orgs_by_kind";
DROP INDEX "orgs_by_kind_and_status";
CREATE INDEX "orgs_by_seq" ON "orgs" (seq, source);
CREATE INDEX "orgs_by_sourcedId" ON "orgs" (sourcedId, seq, source);
CREATE INDEX "orgs_by_changed" ON "orgs" (changed, seq, source);
CREATE INDEX "orgs_by_status" ON "orgs" (coalesce("status", x''), seq, source);
CREATE INDEX "orgs_by_name" ON "orgs" (coalesce("name", x''), seq, source);
CREATE INDEX "orgs_by_type" ON "orgs" (coalesce("type", x''), seq, source);
CREATE INDEX "orgs_by_kind_and_status" ON "orgs" (coalesce("type", x''), coalesce("status", x''), seq, source);

DROP INDEX "academicSessions_by_changed";
DROP INDEX "academicSessions_by_status";
DROP INDEX "academicSessions_by_kind";
DROP INDEX "academicSessions_by_kind_and_status";
CREATE INDEX "academicSessions_by_seq" ON "academicSessions" (seq, source);
CREATE INDEX "academicSessions_by_sourcedId" ON "academicSessions" (sourcedId, seq, source);
CREATE INDEX "academicSessions_by_changed" ON "academicSessions" (changed, seq, source);
CREATE INDEX "academicSessions_by_status" ON "academicSessions" (coalesce("status", x''), seq, source);
CREATE INDEX "academicSessions_by_type" ON "academicSessions" (coalesce("type", x''), seq, source);
CREATE INDEX "academicSessions_by_startDate" ON "academicSessions" (coalesce("startDate", x''), seq, source);
CREATE INDEX "academicSessions_by_endDate" ON "academicSessions" (coalesce("endDate", x''), seq, source);
CREATE INDEX "academicSessions_by_kind_and_status" ON "academicSessions" (coalesce("type", x''), coalesce("status", x''), seq, source);

DROP INDEX "courses_by_changed";
DROP INDEX "courses_by_status";
CREATE INDEX "courses_by_seq" ON "courses" (seq, source);
CREATE INDEX "courses_by_sourcedId" ON "courses" (sourcedId, seq, source);
CREATE INDEX "courses_by_changed" ON "courses" (changed, seq, source);
CREATE INDEX "courses_by_status" ON "courses" (coalesce("status", x''), seq, source);
CREATE INDEX "courses_by_title" ON "courses" (coalesce("title", x''), seq, source);

DROP INDEX "classes_by_changed";
DROP INDEX "classes_by_status";
DROP INDEX "classes_by_kind";
DROP INDEX "classes_by_kind_and_status";
CREATE INDEX "classes_by_seq" ON "classes" (seq, source);
CREATE INDEX "classes_by_sourcedId" ON "classes" (sourcedId, seq, source);
CREATE INDEX "classes_by_changed" ON "classes" (changed, seq, source);
CREATE INDEX "classes_by_status" ON "classes" (coalesce("status", x''), seq, source);
CREATE INDEX "classes_by_title" ON "classes" (coalesce("title", x''), seq, source);
CREATE INDEX "classes_by_classType" ON "classes" (coalesce("classType", x''), seq, source);
CREATE INDEX "classes_by_course.sourcedId" ON "classes" (coalesce("course.sourcedId", x''), seq, source);
CREATE INDEX "classes_by_school.sourcedId" ON "classes" (coalesce("school.sourcedId", x''), seq, source);
CREATE INDEX "classes_by_kind_and_status" ON "classes" (coalesce("classType", x''), coalesce("status", x''), seq, source);

DROP INDEX "users_by_changed";
DROP INDEX "users_by_status";
CREATE INDEX "users_by_seq" ON "users" (seq, source);
CREATE INDEX "users_by_sourcedId" ON "users" (sourcedId, seq, source);
CREATE INDEX "users_by_changed" ON "users" (changed, seq, source);
CREATE INDEX "users_by_status" ON "users" (coalesce("status", x''), seq, source);
CREATE INDEX "users_by_familyName" ON "users" (coalesce("familyName", x''), seq, source);
CREATE INDEX "users_by_givenName" ON "users" (coalesce("givenName", x''), seq, source);
CREATE INDEX "users_by_email" ON "users" (coalesce("email", x''), seq, source);
CREATE INDEX "users_by_username" ON "users" (coalesce("username", x''), seq, source);
CREATE INDEX "users_by_identifier" ON "users" (coalesce("identifier", x''), seq, source);

DROP INDEX "enrollments_by_changed";
DROP INDEX "enrollments_by_status";
DROP INDEX "enrollments_by_kind";
DROP INDEX "enrollments_by_kind_and_status";
CREATE INDEX "enrollments_by_seq" ON "enrollments" (seq, source);
CREATE INDEX "enrollments_by_sourcedId" ON "enrollments" (sourcedId, seq, source);
CREATE INDEX "enrollments_by_changed" ON "enrollments" (changed, seq, source);
CREATE INDEX "enrollments_by_status" ON "enrollments" (coalesce("status", x''), seq, source);
CREATE INDEX "enrollments_by_role" ON "enrollments" (coalesce("role", x''), seq, source);
CREATE INDEX "enrollments_by_beginDate" ON "enrollments" (coalesce("beginDate", x''), seq, source);
CREATE INDEX "enrollments_by_endDate" ON "enrollments" (coalesce("endDate", x''), seq, source);
CREATE INDEX "enrollments_by_user.sourcedId" ON "enrollments" (coalesce("user.sourcedId", x''), seq, source);
CREATE INDEX "enrollments_by_class.sourcedId" ON "enrollments" (coalesce("class.sourcedId", x''), seq, source);
CREATE INDEX "enrollments_by_school.sourcedId" ON "enrollments" (coalesce("school.sourcedId", x''), seq, source);
CREATE INDEX "enrollments_by_kind_and_status" ON "enrollments" (coalesce("role", x''), coalesce("status", x''), seq, source);

DROP INDEX "demographics_by_changed";
DROP INDEX "demographics_by_status";
CREATE INDEX "demographics_by_seq" ON "demographics" (seq, source);
CREATE INDEX "demographics_by_sourcedId" ON "demographics" (sourcedId, seq, source);
CREATE INDEX "demographics_by_changed" ON "demographics" (changed, seq, source);
CREATE INDEX "demographics_by_status" ON "demographics" (coalesce("status", x''), seq, source);
