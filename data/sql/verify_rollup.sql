-- Rows of the daily counts that the facts do not make, or that are missing.
WITH counted AS (
    SELECT zone, day, cell, place, class, count(*)::BIGINT AS events,
        (count(*) FILTER (WHERE family = 'incident'))::BIGINT AS incidents,
        (count(*) FILTER (WHERE family = 'control'))::BIGINT AS controls,
        (sum(checked) FILTER (WHERE family = 'control'))::BIGINT AS checked,
        (sum(positive) FILTER (WHERE family = 'control'))::BIGINT AS positive,
        sum({micrograms})::BIGINT AS micrograms, sum({cents})::BIGINT AS cents
    FROM events JOIN places USING (place) JOIN classes USING (class)
    GROUP BY zone, day, cell, place, class
),
kept AS (
    SELECT zone, day, cell, place, class, sum(events)::BIGINT AS events,
        sum(incidents)::BIGINT AS incidents, sum(controls)::BIGINT AS controls,
        sum(checked)::BIGINT AS checked, sum(positive)::BIGINT AS positive,
        sum(micrograms)::BIGINT AS micrograms, sum(cents)::BIGINT AS cents
    FROM rollup GROUP BY zone, day, cell, place, class
)
SELECT count(*) FROM ((SELECT * FROM counted EXCEPT SELECT * FROM kept) UNION ALL (SELECT * FROM kept EXCEPT SELECT * FROM counted)) AS wrong
