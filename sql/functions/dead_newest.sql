-- Function:   millrace.dead_newest(kind text, max int)
-- Parameters: kind: null for all; max: the most rows
-- Returns:    a row per dead job, newest first; step "route" is the routing itself. It costs what max costs, however many there are
-- Changes:    nothing
-- Locks:      none
-- For:        dead_json, dead_rows
create or replace function millrace.dead_newest(kind text, max integer)
returns table (job_id text, trace_id text, step text, kind_name text, bucket text, key text, died_at timestamptz, error_class text,
	error text, attempts smallint)
language sql stable
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
	select millrace.trace_text(d.upload_id) || '/' || coalesce(s.step, 'route'), millrace.trace_text(d.upload_id),
		coalesce(s.step, 'route'), d.name, u.bucket, u.key, d.died_at, d.error_class, d.error, d.attempt
	from (
		select k.name, x.*
		from millrace.kind k
		cross join lateral (select y.* from millrace.dead_job y where y.kind_no = k.kind_no
			order by y.died_at desc limit dead_newest.max) x
		where dead_newest.kind is null or k.name = dead_newest.kind
		order by x.died_at desc limit dead_newest.max) d
	join millrace.upload u on u.id = d.upload_id
	left join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = d.step_no
	order by d.died_at desc
$$;
comment on function millrace.dead_newest(text, integer) is 'The newest dead letters.';
