-- Function:   millrace.queues_json()
-- Returns:    {"queues": [...]}: per kind what waits, is queued, runs, retries, is dead and has been done, and since when the oldest waits
-- Changes:    nothing
-- Locks:      none
-- For:        C: page, metrics, command line
create or replace function millrace.queues_json() returns jsonb
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select jsonb_build_object('queues', coalesce(jsonb_agg(jsonb_build_object('kind', q.kind, 'waiting', q.waiting,
		'queued', q.queued, 'running', q.running, 'retrying', q.retrying, 'dead', q.dead, 'done', q.done, 'done_per_minute', q.done_per_minute,
		'oldest_at', millrace.utc_text(q.oldest_at), 'workers', q.workers, 'paused', q.paused) order by q.kind_no), '[]'))
	from millrace.queue_rows() q
$$;
comment on function millrace.queues_json() is 'The queues as JSON.';
