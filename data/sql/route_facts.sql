-- Facts added up by all that they say of a route; a NULL is what they do not say. Where each was made is told of those
-- alone that say where they came from: the others are few rows then, however many they are.
SELECT producing_country AS producing, departure_country AS departure, transit_country AS transit,
    destination_country AS destination, country AS reporter, drug, mode,
    (12 * extract(year FROM day) + extract(month FROM day) - 1)::BIGINT AS month,
    count(*) AS facts, count(quantity_kg) AS weighed,
    CASE WHEN producing_country IS NOT NULL OR departure_country IS NOT NULL THEN longitude END AS lng,
    CASE WHEN producing_country IS NOT NULL OR departure_country IS NOT NULL THEN latitude END AS lat,
    sum({micrograms})::DOUBLE PRECISION AS micrograms
FROM events
    JOIN (SELECT class, drug, mode FROM classes) AS classed USING (class)
    JOIN (SELECT place, country FROM places) AS placed USING (place)
WHERE {where}
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 11, 12
