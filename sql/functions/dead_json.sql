-- Function:   millrace.dead_json(kind text, max int)
-- Parameters: kind: null for all
-- Returns:    {"dead": [...]}: newest first
-- Changes:    nothing
-- Locks:      none
-- For:        C: page, command line
create or replace function millrace.dead_json(kind text, max integer) returns jsonb
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select jsonb_build_object('dead', coalesce(jsonb_agg(jsonb_build_object('job_id', d.job_id, 'trace_id', d.trace_id,
		'step', d.step, 'kind', d.kind_name, 'bucket', d.bucket, 'key', d.key, 'died_at', millrace.utc_text(d.died_at),
		'error_class', d.error_class, 'error', d.error, 'attempts', d.attempts) order by d.died_at desc, d.job_id), '[]'))
	from millrace.dead_newest(dead_json.kind, dead_json.max) d
$$;
comment on function millrace.dead_json(text, integer) is 'The dead letters as JSON.';
