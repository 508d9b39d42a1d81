-- Function:   millrace.worker_rows()
-- Returns:    a row per live session
-- Changes:    nothing
-- Locks:      none
-- For:        workers_json, the view workers
create or replace function millrace.worker_rows()
returns table (worker text, host text, version text, kinds text[], slots integer, running bigint, seen_at timestamptz,
	started_at timestamptz, session bigint)
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select w.worker, w.host, w.version, array(select k.name from millrace.kind k where k.kind_no = any (w.kind_nos) order by 1),
		w.slots,
		(select count(*) from millrace.lease_grant g, unnest(g.kind_nos, g.classes, g.positions) h (kind_no, class, position)
			cross join lateral (select x.session from millrace.ticket x
				where x.kind_no = h.kind_no and x.class = h.class and x.position = h.position offset 0) t
			where g.session = w.session and t.session = w.session),
		w.seen_at, w.started_at, w.session
	from millrace.sessions() w
$$;
comment on function millrace.worker_rows() is 'The workers, a row per session.';
