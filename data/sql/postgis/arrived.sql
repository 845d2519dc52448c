-- The facts that a load brings, numbered as the store numbers them, before anything is settled.
CREATE TEMP VIEW arrived AS
SELECT row, line, class.number AS class, place.number AS place, origin.number AS origin, {stored}
FROM staged_events
JOIN numbers AS class ON class.dimension = 'class' AND class.staged = staged_events.class
JOIN numbers AS place ON place.dimension = 'place' AND place.staged = staged_events.place
JOIN numbers AS origin ON origin.dimension = 'origin' AND origin.staged = staged_events.origin
