-- Lost: the prefixes of sources that are imported from files: they are to be given again at the next import.

DROP TABLE csv_sources;
