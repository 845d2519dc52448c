-- What of the changes after version $since a viewer may know: ancestors of cells, days, and territories by name.
WITH seen AS (SELECT * FROM changed_places WHERE version > $since AND {where})
SELECT version, cell, NULL AS kind, NULL AS code, min(first_day) AS first_day, max(last_day) AS last_day
FROM seen GROUP BY version, cell
UNION ALL
SELECT DISTINCT version, NULL::BIGINT, kind, code, NULL::DATE, NULL::DATE FROM seen JOIN place_territories USING (place)
ORDER BY version, cell, kind, code
