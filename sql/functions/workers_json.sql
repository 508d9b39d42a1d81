-- Function:   millrace.workers_json()
-- Returns:    {"workers": [...]}: who is alive, and how many tickets each holds
-- Changes:    nothing
-- Locks:      none
-- For:        C: page, command line
create or replace function millrace.workers_json() returns jsonb
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select jsonb_build_object('workers', coalesce(jsonb_agg(jsonb_build_object('worker', w.worker, 'host', w.host,
		'version', w.version, 'kinds', w.kinds, 'slots', w.slots, 'running', w.running,
		'seen_at', millrace.utc_text(w.seen_at), 'started_at', millrace.utc_text(w.started_at)) order by w.worker), '[]'))
	from millrace.worker_rows() w
$$;
comment on function millrace.workers_json() is 'The workers as JSON.';
