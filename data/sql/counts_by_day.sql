SELECT day, sum(incidents) AS incidents, sum(controls) AS controls
FROM {source} WHERE {where} GROUP BY day
