-- The arrived facts with what their numbers stand for, those that will be written, and those of the store that have
-- the identifier of one of them.
CREATE TEMP VIEW arrived_facts AS
SELECT * FROM arrived JOIN classes USING (class) JOIN places USING (place) JOIN origins USING (origin);
CREATE TEMP VIEW accepted AS
SELECT * FROM arrived WHERE NOT EXISTS (SELECT FROM verdicts WHERE verdicts.row = arrived.row);
CREATE TEMP TABLE known_events ON COMMIT DROP AS
SELECT DISTINCT event_id, day, occurred_at
FROM (SELECT event_id, hashtextextended(event_id, 0) AS key FROM arrived) AS named JOIN event_keys USING (key)
JOIN events USING (event_id, day, occurred_at)
