INSERT INTO tallies
SELECT $batch, origin, place, count(*), min(day), max(day)
FROM arrived WHERE row NOT IN (SELECT row FROM verdicts) GROUP BY origin, place
