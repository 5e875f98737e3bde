/** New commands. One whose id or idempotency key exists fails the transaction. */
export const INSERT_COMMAND_SQL = `
INSERT INTO command
  (command_id, tenant_id, device_uid, shard, name, parameters, mode, priority, supersedes, idempotency_key, request_hash,
   job_id, resend_of, requested_by, created_at, deadline_at, state, attempt, transitions, result, error, ended_at, ended_badly)
SELECT id, tenant_id, device_uid, shard, name, parameters::json, mode, priority, supersedes, idempotency_key, request_hash,
       job_id, resend_of, requested_by, 'epoch'::timestamptz + created_ms * interval '1 millisecond',
       'epoch'::timestamptz + deadline_ms * interval '1 millisecond', state, attempt, transitions::json, result::json, error::json,
       'epoch'::timestamptz + ended_ms * interval '1 millisecond', ended_badly
FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::bool[],
            $9::int4[], $10::int8[], $11::int2[], $12::text[], $13::text[], $14::text[], $15::int2[], $16::text[], $17::text[],
            $18::text[], $19::uuid[], $20::uuid[], $21::text[], $22::int8[], $23::int8[])
  AS t (id, state, attempt, transitions, result, error, ended_ms, ended_badly,
        tenant_id, device_uid, shard, name, parameters, mode, priority, supersedes, idempotency_key,
        request_hash, job_id, resend_of, requested_by, created_ms, deadline_ms)`;

/** How far they have come; nothing else of a command ever changes. */
export const UPDATE_COMMAND_SQL = `
UPDATE command c
SET state = t.state, attempt = t.attempt, transitions = t.transitions::json, result = t.result::json, error = t.error::json,
    ended_at = 'epoch'::timestamptz + t.ended_ms * interval '1 millisecond', ended_badly = t.ended_badly
FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::bool[])
  AS t (id, state, attempt, transitions, result, error, ended_ms, ended_badly)
WHERE c.command_id = t.id`;
