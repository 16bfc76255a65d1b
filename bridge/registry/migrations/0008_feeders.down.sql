-- Lost: the API keys of tools, what they may hand in, and the launches that they have handed in or been given.

DROP TABLE service_keys;
DROP TABLE launches;
DROP TABLE platform_applications;
DROP TABLE applications;
DROP TABLE fed_contexts;
DROP TABLE feeder_audiences;
DROP TABLE tool_keys;
