-- Facts one by one in the columns of `rollup`, and the hour of each; `day` is the one that they count on.
SELECT {day} AS day, hour, cell, place, class, 1 AS events, incidents, controls,
    CASE WHEN controls = 1 THEN checked END AS checked,
    CASE WHEN controls = 1 THEN positive END AS positive,
    {micrograms} AS micrograms, {cents} AS cents
FROM events
    JOIN (SELECT class, (family = 'incident')::INTEGER AS incidents, (family = 'control')::INTEGER AS controls FROM classes) AS families
    USING (class)
WHERE {where}
