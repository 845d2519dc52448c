-- The packed sums of some zones over some spans of days, and what came since.
SELECT packed FROM hexagon_spans WHERE zone = ANY($zones::INTEGER[]) AND span = ANY($spans::INTEGER[])
UNION ALL
SELECT {packed} FROM hexagon_days WHERE zone = ANY($zones::INTEGER[]) AND day >= $start AND day < $stop
