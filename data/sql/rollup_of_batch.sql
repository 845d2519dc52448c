-- The daily counts of what batch $batch brought, in the order of `rollup`.
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT zone, day, cell, place, class,
    count(*) AS events,
    count(*) FILTER (family = 'incident') AS incidents,
    count(*) FILTER (family = 'control') AS controls,
    sum(checked) FILTER (family = 'control')::BIGINT AS checked,
    sum(positive) FILTER (family = 'control')::BIGINT AS positive,
    sum(round(quantity_kg * 1e9)::BIGINT)::BIGINT AS micrograms,
    sum(round(value_eur * 100)::BIGINT)::BIGINT AS cents
FROM events JOIN places USING (place) JOIN classes USING (class)
WHERE batch = $batch
GROUP BY zone, day, cell, place, class
ORDER BY zone, day, cell
