-- What some facts bring to the counts by day: one row for each fact, as hardly two share their key.
SELECT zone, day, cell, place, class, 1 AS events, incidents, controls,
    CASE WHEN controls = 1 THEN checked END AS checked,
    CASE WHEN controls = 1 THEN positive END AS positive,
    whole(quantity_kg * 1e9) AS micrograms, whole(value_eur * 100) AS cents
FROM {facts} JOIN places USING (place)
    JOIN (SELECT class, (family = 'incident')::INTEGER AS incidents, (family = 'control')::INTEGER AS controls FROM classes) AS families
    USING (class)
ORDER BY zone, day, cell
