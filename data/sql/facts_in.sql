-- The placed facts of some hexagons, in the order of their identifiers; `checked` and `positive` are those of controls.
SELECT longitude, latitude, incidents, controls,
    CASE WHEN controls = 1 THEN checked END AS checked, CASE WHEN controls = 1 THEN positive END AS positive,
    quantity_kg, value_eur
FROM events
    JOIN (SELECT class, (family = 'incident')::INTEGER AS incidents, (family = 'control')::INTEGER AS controls FROM classes)
    USING (class)
WHERE {where} AND {near}
ORDER BY event_id
