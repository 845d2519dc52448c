INSERT INTO hexagon_days
SELECT zone, day, {cell} AS hexagon, sum(incidents), sum(controls), sum(checked), sum(positive), sum(micrograms), sum(cents)
FROM fresh WHERE cell IS NOT NULL
GROUP BY zone, day, hexagon
ORDER BY zone, day, hexagon
