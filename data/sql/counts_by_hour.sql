-- By day and hour on the clock of the place; a NULL hour: the facts of which none is known.
SELECT day, hour, sum(events) AS events, sum(incidents) AS incidents, sum(controls) AS controls
FROM {source} GROUP BY day, hour
