-- The whole roll-up again, merged and sorted, with the places' present zones.
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT places.zone, day, cell, place, class,
    sum(events)::BIGINT AS events, sum(incidents)::BIGINT AS incidents, sum(controls)::BIGINT AS controls,
    sum(checked)::BIGINT AS checked, sum(positive)::BIGINT AS positive,
    sum(micrograms)::BIGINT AS micrograms, sum(cents)::BIGINT AS cents
FROM rollup JOIN places USING (place)
GROUP BY places.zone, day, cell, place, class
ORDER BY places.zone, day, cell, place, class
