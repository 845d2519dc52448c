-- One row for each code {by} that facts have ('' for those without), and each territory of kind $kind, as in
-- counts_by_territory: zero counts, and unknown sums, where there is no fact.
WITH by_place AS (
    SELECT place, class, sum(incidents) AS incidents, sum(controls) AS controls,
        sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
    FROM {source} WHERE {where} GROUP BY place, class
),
counted AS (
    SELECT coalesce(classes.{by}, '') AS value, place_territories.code AS code,
        sum(incidents) AS incidents, sum(controls) AS controls,
        sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
    FROM by_place JOIN classes ON classes.class = by_place.class
        JOIN place_territories ON place_territories.place = by_place.place AND place_territories.kind = $kind
    GROUP BY coalesce(classes.{by}, ''), place_territories.code
),
known AS (SELECT code FROM memberships WHERE kind = $kind UNION SELECT code FROM counted),
met AS (SELECT DISTINCT value FROM counted)
SELECT value, code, coalesce(incidents, 0) AS incidents, coalesce(controls, 0) AS controls,
    checked, positive, micrograms, cents
FROM met CROSS JOIN known LEFT JOIN counted USING (value, code)
ORDER BY value, code
