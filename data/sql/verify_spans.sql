-- Rows of the embedded store's summary by spans of days that the daily counts do not make, or that are missing.
WITH counted AS (
    SELECT (zone::BIGINT << {zone_shift}) | (level << {level_shift}) | ((day - DATE '1970-01-01' - ({first_day})) >> ({bits} * level)) AS part,
        {cell} AS hexagon, sum(incidents)::BIGINT AS incidents, sum(controls)::BIGINT AS controls,
        sum(checked)::BIGINT AS checked, sum(positive)::BIGINT AS positive,
        sum(micrograms)::BIGINT AS micrograms, sum(cents)::BIGINT AS cents
    FROM rollup, (SELECT unnest(range({levels})) AS level) WHERE cell IS NOT NULL GROUP BY part, hexagon
),
kept AS (
    SELECT part, cell AS hexagon, sum(incidents)::BIGINT AS incidents, sum(controls)::BIGINT AS controls,
        sum(checked)::BIGINT AS checked, sum(positive)::BIGINT AS positive,
        sum(micrograms)::BIGINT AS micrograms, sum(cents)::BIGINT AS cents
    FROM hexagon_spans GROUP BY part, hexagon
)
SELECT count(*) FROM ((SELECT * FROM counted EXCEPT SELECT * FROM kept) UNION ALL (SELECT * FROM kept EXCEPT SELECT * FROM counted)) AS wrong
