-- The latest facts. The ones to show are chosen on narrow columns first: only those are read whole.
SELECT {columns}
FROM facts JOIN (SELECT batch, batch_id FROM batches) USING (batch)
WHERE row_number IN (SELECT rowid FROM events WHERE {where} ORDER BY occurred_at DESC, event_id LIMIT $limit)
ORDER BY occurred_at DESC, event_id
