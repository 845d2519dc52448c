-- As facts_in.sql; the hexagons are ranges of stored cells, each of which the index of `events` finds at once.
SELECT longitude, latitude, incidents, controls,
    CASE WHEN controls = 1 THEN checked END AS checked, CASE WHEN controls = 1 THEN positive END AS positive,
    quantity_kg, value_eur
FROM unnest($lows::BIGINT[], $highs::BIGINT[]) AS near (low, high)
    CROSS JOIN LATERAL (SELECT * FROM events WHERE cell >= near.low AND cell < near.high AND {where}) AS found
    JOIN (SELECT class, (family = 'incident')::INTEGER AS incidents, (family = 'control')::INTEGER AS controls FROM classes) AS counted
    USING (class)
ORDER BY event_id
