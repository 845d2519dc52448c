-- For each line that is not the first of its identifier: which fields differ from the first one. None: it repeats it.
INSERT INTO verdicts
SELECT mine.row, mine.line, concat_ws(' · ', {given}), array_remove(ARRAY[{differences}], NULL)
FROM {arrived} AS mine JOIN originals AS theirs USING ({identity})
WHERE mine.row <> theirs.row
