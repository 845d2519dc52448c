INSERT INTO tallies
SELECT batch, origin, place, count(*), min(day), max(day)
FROM events WHERE batch = $batch GROUP BY batch, origin, place
