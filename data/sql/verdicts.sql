-- For each line of batch $batch whose identifier was there already, in the store or earlier in the file: which fields
-- differ from the first one. None: the line repeats it.
CREATE OR REPLACE TEMP TABLE verdicts AS
WITH ranked AS (
    SELECT row_number, batch, first_value(row_number) OVER (PARTITION BY {identity} ORDER BY batch, line, row_number) AS original
    FROM {view} WHERE key IN (FROM suspects)
)
SELECT mine.row_number, mine.line, concat_ws(' · ', {given}) AS given,
    list_filter([{differences}], lambda name: name IS NOT NULL) AS differing
FROM ranked
JOIN {view} mine ON mine.row_number = ranked.row_number
JOIN {view} theirs ON theirs.row_number = ranked.original
WHERE ranked.batch = $batch AND ranked.row_number <> ranked.original
