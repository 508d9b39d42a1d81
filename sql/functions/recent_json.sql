-- Function:   millrace.recent_json(max int)
-- Returns:    {"uploads": [...]}: the newest, newest first
-- Changes:    nothing
-- Locks:      none
-- For:        C: page, command line, the supervisor
create or replace function millrace.recent_json(max integer) returns jsonb
language sql stable security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
	select jsonb_build_object('uploads', coalesce(jsonb_agg(jsonb_build_object('trace_id', millrace.trace_text(u.id),
		'bucket', u.bucket, 'key', u.key, 'state', u.state, 'reason', u.reason, 'size', nullif(u.size, -1),
		'received_at', millrace.utc_text(u.received_at), 'finished_at', millrace.utc_text(u.finished_at),
		'jobs_done', u.done, 'jobs_total', u.total) order by u.id desc), '[]'))
	from (
		select x.*, c.done, c.total
		from (select * from millrace.upload y order by y.id desc limit recent_json.max) x
		cross join lateral (select count(*) filter (where j.state = 'done') as done, count(*) as total
			from millrace.job j where j.upload_id = x.id) c
	) u
$$;
comment on function millrace.recent_json(integer) is 'The newest uploads as JSON.';
