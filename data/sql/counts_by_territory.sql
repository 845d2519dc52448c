-- One row for each territory of kind $kind: zero counts, and unknown sums, where there is no fact.
WITH by_place AS (
    SELECT place, sum(incidents) AS incidents, sum(controls) AS controls,
        sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
    FROM {source} WHERE {where} GROUP BY place
),
counted AS (
    SELECT code, sum(incidents) AS incidents, sum(controls) AS controls,
        sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
    FROM by_place JOIN place_territories USING (place) WHERE kind = $kind GROUP BY code
)
SELECT code, coalesce(incidents, 0) AS incidents, coalesce(controls, 0) AS controls, checked, positive, micrograms, cents
FROM (SELECT code FROM memberships WHERE kind = $kind UNION SELECT code FROM counted) AS known LEFT JOIN counted USING (code)
ORDER BY code
