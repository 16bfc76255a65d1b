-- Nothing is lost: members are told from the facts and the records again.

DROP TRIGGER context_is_to_be_told;
DROP TRIGGER class_is_to_be_told;
DROP TRIGGER dropped_class_is_not_told;
DROP TRIGGER new_member_is_untold;
DROP TRIGGER changed_member_is_untold;
DROP TRIGGER dropped_member_is_untold;
DROP TRIGGER new_enrollment_is_untold;
DROP TRIGGER changed_enrollment_is_untold;
DROP TRIGGER dropped_enrollment_is_untold;
DROP TRIGGER new_user_is_untold;
DROP TRIGGER changed_user_is_untold;
DROP TRIGGER dropped_user_is_untold;
DROP TABLE untold;
DROP TABLE told;
DROP TABLE told_rosters;
