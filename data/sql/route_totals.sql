-- Facts by two of the countries that they name, '' where they do not say, and the weight of those that were weighed.
SELECT coalesce({start}, '') AS origin, coalesce({stop}, '') AS destination, count(*) AS facts,
    sum({micrograms})::DOUBLE PRECISION AS micrograms
FROM events JOIN (SELECT place, country FROM places) AS placed USING (place)
WHERE {where}
GROUP BY 1, 2
