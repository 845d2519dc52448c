-- Counts of the hexagons of one resolution; a hexagon without any fact has no row, what nobody measured is NULL.
SELECT {cell} AS hexagon, sum(incidents) AS incidents, sum(controls) AS controls,
    sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
FROM {source}
WHERE {where} AND cell IS NOT NULL
GROUP BY hexagon ORDER BY hexagon
