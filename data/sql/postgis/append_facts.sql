-- Write the facts of a live feed, and what they add to the counts by day and to the summary by hexagon.
WITH given AS MATERIALIZED (
    SELECT * FROM {given}
),
stored AS (
    INSERT INTO events ({written}) SELECT {written} FROM given
),
named AS (
    INSERT INTO event_keys (occurred_at, key, day) SELECT occurred_at, hashtextextended(event_id COLLATE "C", 0), day FROM given
),
fresh AS MATERIALIZED (
    {rollup}
),
counted AS (
    INSERT INTO rollup SELECT * FROM fresh
)
INSERT INTO hexagon_days
SELECT zone, day, {cell} AS hexagon, sum(incidents), sum(controls), sum(checked), sum(positive), sum(micrograms), sum(cents)
FROM fresh WHERE cell IS NOT NULL GROUP BY zone, day, hexagon
