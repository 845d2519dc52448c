-- Loads whose ledger says another number of accepted lines than there are.
SELECT count(*) FROM batches
LEFT JOIN (SELECT batch, count(*) AS facts FROM events GROUP BY batch) AS counted USING (batch)
LEFT JOIN (SELECT batch, count(*) AS figures FROM indicators GROUP BY batch) AS published USING (batch)
WHERE accepted <> coalesce(facts, 0) + coalesce(figures, 0) OR accepted + repeated + refused <> lines
