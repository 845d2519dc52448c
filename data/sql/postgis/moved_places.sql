-- The places whose zone changes; 0: no territory.
CREATE TEMP TABLE moved ON COMMIT DROP AS
SELECT place, places.zone AS before, coalesce(zones.zone, 0) AS after
FROM places LEFT JOIN zones
    ON coalesce(zones.commune, 'D' || zones.departement) = coalesce(places.commune, 'D' || places.departement)
WHERE places.zone <> coalesce(zones.zone, 0)
