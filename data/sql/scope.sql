-- The places that a query's territory and a viewer's territories leave, with their zones.
SELECT place, zone FROM places
WHERE ($territory_kind IS NULL
       OR place IN (SELECT place FROM place_territories WHERE kind = $territory_kind AND code = $territory_code))
  AND (NOT $restricted
       OR place IN (SELECT place FROM place_territories WHERE kind || ':' || code IN $viewer_territories))
ORDER BY place
