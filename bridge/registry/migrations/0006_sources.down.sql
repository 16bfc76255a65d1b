-- Lost: SISs, with their credentials; the names stay taken.

DROP TABLE source_pauses;
DROP TABLE sources;
