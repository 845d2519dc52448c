-- One row for each class of facts and part of the places: the number that {parts} gives them, 0 where it gives none.
SELECT coalesce(number, 0) AS part, class, sum(events) AS events, sum(incidents) AS incidents, sum(controls) AS controls,
    sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
FROM {source} LEFT JOIN ({parts}) AS parts USING (place)
WHERE {where} GROUP BY 1, 2
