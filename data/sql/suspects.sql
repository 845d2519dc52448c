-- Keys that occur twice, within batch $batch or in it and before it. A key is a 64-bit hash: equal keys are only a
-- suspicion, that verdicts.sql settles by exact comparison.
CREATE OR REPLACE TEMP TABLE suspects AS
SELECT key FROM {table} WHERE batch = $batch GROUP BY key HAVING count(*) > 1
UNION
SELECT key FROM {table} WHERE batch <> $batch AND key IN (SELECT key FROM {table} WHERE batch = $batch)
