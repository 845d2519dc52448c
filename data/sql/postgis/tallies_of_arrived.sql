INSERT INTO tallies
SELECT $batch, origin, place, count(*), min(day), max(day)
FROM accepted GROUP BY origin, place
