-- One row for each class of facts and part of the places: those of $part_places that have the same of $part_numbers,
-- and, as part 0, all others.
SELECT coalesce(number, 0) AS part, class, sum(events) AS events, sum(incidents) AS incidents, sum(controls) AS controls,
    sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
FROM {source} LEFT JOIN (
    SELECT unnest($part_places::INTEGER[]) AS place, unnest($part_numbers::INTEGER[]) AS number
) AS parts USING (place)
WHERE {where} GROUP BY 1, 2
