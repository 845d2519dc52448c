SELECT day, sum(incidents) AS incidents, sum(controls) AS controls
FROM rollup WHERE {where} GROUP BY day
