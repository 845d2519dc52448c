-- By precision of the place, the facts without a hexagon whose place, as far as it is known, may be among these.
WITH by_place AS (
    SELECT place, sum(events) AS events FROM {source} WHERE {where} AND cell IS NULL GROUP BY place
)
SELECT coalesce(place_precision, 'unknown') AS place_precision, sum(events) AS events
FROM by_place JOIN places USING (place)
WHERE {communes}
   OR commune IS NULL AND ({departements} OR departement IS NULL AND (country IS NULL OR {countries}))
GROUP BY 1 ORDER BY 1
