WITH facts_by_source AS (
    SELECT batch, source, marking, sum(events) AS events, 0 AS indicators, min(first_day) AS first_day, max(last_day) AS last_day
    FROM tallies JOIN origins USING (origin) WHERE {where} GROUP BY batch, source, marking
),
figures_by_source AS (
    SELECT batch, i.source, marking, 0 AS events, count(*) AS indicators,
        make_date(min(year)::INTEGER, 1, 1) AS first_day, make_date(max(year)::INTEGER, 12, 31) AS last_day
    FROM indicators i JOIN batches USING (batch) WHERE {indicators_where} GROUP BY batch, i.source, marking
)
SELECT brought.source, array_agg(DISTINCT coalesce(brought.marking, batches.marking)) AS markings,
    sum(events)::BIGINT AS events, sum(indicators)::BIGINT AS indicators,
    min(brought.first_day) AS first_day, max(brought.last_day) AS last_day, max(loaded_at) AS loaded_at
FROM (SELECT * FROM facts_by_source UNION ALL SELECT * FROM figures_by_source) AS brought JOIN batches USING (batch)
GROUP BY brought.source ORDER BY brought.source
