-- Lost: the roles of people's latest launches, until they launch again.

DROP TABLE launch_roles;
