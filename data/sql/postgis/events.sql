-- The latest facts. The ones to show are chosen on one table first: only those are explained.
SELECT {columns}
FROM (SELECT * FROM events WHERE {where} ORDER BY occurred_at DESC, event_id LIMIT $limit) AS latest
JOIN classes USING (class) JOIN places USING (place) JOIN origins USING (origin)
JOIN (SELECT batch, batch_id FROM batches) AS loads USING (batch)
ORDER BY occurred_at DESC, event_id
