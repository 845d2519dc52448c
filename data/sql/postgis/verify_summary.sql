-- Rows of the summary by hexagon that the daily counts do not make, or that are missing.
WITH counted AS (
    SELECT zone, day, {cell} AS hexagon, sum(incidents)::BIGINT AS incidents, sum(controls)::BIGINT AS controls,
        sum(checked)::BIGINT AS checked, sum(positive)::BIGINT AS positive,
        sum(micrograms)::BIGINT AS micrograms, sum(cents)::BIGINT AS cents
    FROM rollup WHERE cell IS NOT NULL GROUP BY zone, day, hexagon
),
kept AS (
    SELECT zone, day, cell AS hexagon, sum(incidents)::BIGINT AS incidents, sum(controls)::BIGINT AS controls,
        sum(checked)::BIGINT AS checked, sum(positive)::BIGINT AS positive,
        sum(micrograms)::BIGINT AS micrograms, sum(cents)::BIGINT AS cents
    FROM hexagon_days GROUP BY zone, day, hexagon
)
SELECT count(*) FROM ((SELECT * FROM counted EXCEPT SELECT * FROM kept) UNION ALL (SELECT * FROM kept EXCEPT SELECT * FROM counted)) AS wrong
