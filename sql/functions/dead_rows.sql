-- Function:   millrace.dead_rows()
-- Returns:    a row per dead job; step "route" is the routing itself
-- Changes:    nothing
-- Locks:      none
-- For:        dead_json, the view dead
create or replace function millrace.dead_rows()
returns table (job_id text, trace_id text, step text, kind text, bucket text, key text, died_at timestamptz, error_class text,
	error text, attempts smallint)
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select millrace.trace_text(d.upload_id) || '/' || coalesce(s.step, 'route'), millrace.trace_text(d.upload_id),
		coalesce(s.step, 'route'), k.name, u.bucket, u.key, d.died_at, d.error_class, d.error, d.attempt
	from millrace.dead_job d
	join millrace.upload u on u.id = d.upload_id
	join millrace.kind k on k.kind_no = d.kind_no
	left join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = d.step_no
$$;
comment on function millrace.dead_rows() is 'The dead letters, a row each.';
