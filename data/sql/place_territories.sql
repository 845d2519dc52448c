-- Which territories contain the places from number $first on, for certain: a place known by its commune is in the
-- territories of that commune; a place known by its département only, in the territories made of whole départements
-- that hold every commune of it; an arrondissement is known by itself.
WITH fresh AS (SELECT * FROM places WHERE place >= $first),
departement_sizes AS (
    SELECT code AS departement, count(DISTINCT commune) AS communes FROM memberships WHERE kind = 'departement' GROUP BY code
),
whole_departements AS (
    SELECT t.kind, t.code, d.code AS departement
    FROM memberships t JOIN memberships d ON d.kind = 'departement' AND d.commune = t.commune
    JOIN departement_sizes s ON s.departement = d.code
    WHERE t.kind IN ('departement', 'region', 'antenna')
    GROUP BY t.kind, t.code, d.code, s.communes HAVING count(DISTINCT t.commune) = s.communes
)
INSERT INTO {target}
SELECT DISTINCT m.kind, m.code, f.place FROM fresh f JOIN memberships m ON m.commune = f.commune WHERE m.kind <> 'arrondissement'
UNION ALL
SELECT w.kind, w.code, f.place FROM fresh f JOIN whole_departements w ON w.departement = f.departement WHERE f.commune IS NULL
UNION ALL
SELECT 'arrondissement', arrondissement, place FROM fresh WHERE arrondissement IS NOT NULL
