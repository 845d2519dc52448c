-- The finest common partition of the communes by what a map is usually asked for: a territory of these kinds is a
-- few whole zones. A département has one more zone, for the facts of which only the département is known.
-- Numbers follow the départements, so that neighbours in the table are neighbours on the ground. 0: no territory.
WITH communes AS (
    SELECT commune, max(code) FILTER (WHERE kind = 'departement') AS departement,
        string_agg(kind || ':' || code, ' ' ORDER BY kind || ':' || code) AS signature
    FROM memberships WHERE kind IN ('departement', 'region', 'antenna', 'cross') GROUP BY commune
),
units AS (
    SELECT commune, departement, signature FROM communes
    UNION ALL
    SELECT NULL, code, '' FROM memberships WHERE kind = 'departement' GROUP BY code
)
INSERT INTO zones
SELECT commune, departement, dense_rank() OVER (ORDER BY departement NULLS FIRST, signature) FROM units
