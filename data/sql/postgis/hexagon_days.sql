-- The counts of {source} by hexagon of the summary's resolution.
INSERT INTO hexagon_days
SELECT zone, day, {cell} AS hexagon, sum(incidents), sum(controls), sum(checked), sum(positive), sum(micrograms), sum(cents)
FROM {source} WHERE cell IS NOT NULL
GROUP BY zone, day, hexagon
ORDER BY zone, day, hexagon
