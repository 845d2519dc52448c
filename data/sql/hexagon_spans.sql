-- The same by hexagon of resolution 9 and by span of 1, 4, 16… days (data/spans.py): the cost of the usual map grows
-- with its hexagons, not with the facts. `part` is a zone and a span in one number, so that one small join finds both.
CREATE TABLE hexagon_spans (
    part BIGINT NOT NULL, cell BIGINT NOT NULL,
    incidents INTEGER NOT NULL, controls INTEGER NOT NULL,
    checked BIGINT, positive BIGINT, micrograms BIGINT, cents BIGINT
);
