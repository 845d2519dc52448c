INSERT INTO tallies
SELECT batch, source, marking, place, count(*), min(day), max(day)
FROM events WHERE batch = $batch GROUP BY batch, source, marking, place
