-- Give each new zone the number of the one before that most of its communes come from, if it also got most of that
-- one's; the others get numbers that no zone had. A unit is a commune, or the facts of which only the département is known.
WITH units AS (
    SELECT fresh.zone AS fresh, known.zone AS known, count(*) AS communes
    FROM (SELECT zone, coalesce(commune, 'D' || departement) AS unit FROM zones) AS fresh
    JOIN (SELECT zone, coalesce(commune, 'D' || departement) AS unit FROM zones_before) AS known USING (unit)
    GROUP BY 1, 2
),
ranked AS (
    SELECT fresh, known, row_number() OVER (PARTITION BY fresh ORDER BY communes DESC, known) AS of_fresh,
        row_number() OVER (PARTITION BY known ORDER BY communes DESC, fresh) AS of_known
    FROM units
),
kept AS (SELECT fresh, known FROM ranked WHERE of_fresh = 1 AND of_known = 1),
numbers AS (
    SELECT zone AS fresh, (SELECT coalesce(max(zone), 0) FROM zones_before) + row_number() OVER (ORDER BY zone) AS number
    FROM (SELECT DISTINCT zone FROM zones) AS distinct_zones WHERE zone NOT IN (SELECT fresh FROM kept)
    UNION ALL
    SELECT fresh, known FROM kept
)
UPDATE zones SET zone = number FROM numbers WHERE zones.zone = numbers.fresh AND zones.zone <> number
