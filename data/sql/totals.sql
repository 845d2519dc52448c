-- By precision of the place, all facts: also those that no hexagon can show.
WITH by_place AS (
    SELECT place, sum(events) AS events, sum(incidents) AS incidents, sum(controls) AS controls,
        sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
    FROM {source} WHERE {where} GROUP BY place
)
SELECT coalesce(place_precision, 'unknown') AS place_precision, sum(events) AS events,
    sum(incidents) AS incidents, sum(controls) AS controls,
    sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
FROM by_place JOIN places USING (place)
GROUP BY 1 ORDER BY 1
