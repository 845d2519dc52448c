-- One row for each territory of kind $kind and mode with facts, '' being "none stated"; under the code '' all facts of
-- the query. The nature of a control says its mode. Each territory of the list has at least a row, of the mode ''.
WITH of_mode AS (
    SELECT class, coalesce(of_control.mode, classes.mode, '') AS mode, (kind = 'seizure')::INTEGER AS is_seizure
    FROM classes LEFT JOIN (
        SELECT unnest($control_kinds::VARCHAR[]) AS kind, unnest($control_modes::VARCHAR[]) AS mode
    ) AS of_control USING (kind)
),
by_place AS (
    SELECT place, mode, sum(incidents) AS incidents, sum(events * is_seizure) AS seizures, sum(controls) AS controls,
        sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
    FROM {source} JOIN of_mode USING (class) WHERE {where} GROUP BY place, mode
),
counted AS (
    SELECT code, mode, incidents, seizures, controls, checked, positive, micrograms, cents
    FROM by_place JOIN place_territories USING (place) WHERE kind = $kind
    UNION ALL
    SELECT '', mode, incidents, seizures, controls, checked, positive, micrograms, cents FROM by_place
    UNION ALL
    SELECT DISTINCT code, '', 0, 0, 0, NULL::BIGINT, NULL::BIGINT, NULL::BIGINT, NULL::BIGINT
    FROM memberships WHERE kind = $kind
)
SELECT code, mode, sum(incidents) AS incidents, sum(seizures) AS seizures, sum(controls) AS controls,
    sum(checked) AS checked, sum(positive) AS positive, sum(micrograms) AS micrograms, sum(cents) AS cents
FROM counted GROUP BY code, mode ORDER BY code, mode
