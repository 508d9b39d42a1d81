-- Function:   millrace.sessions()
-- Returns:    the newest row of each session. From session to session by the index: the rows that heartbeats left behind are not walked
-- Changes:    nothing
-- Locks:      none
-- For:        rescue_workers, worker_rows, queue_rows, admit
create or replace function millrace.sessions() returns setof millrace.worker
language sql stable set search_path = millrace, pg_temp set enable_seqscan = off set enable_bitmapscan = off as $$
	with recursive s as (
		(select w as it from millrace.worker w order by w.session desc, w.gen desc limit 1)
		union all
		select (select w from millrace.worker w where w.session < (s.it).session order by w.session desc, w.gen desc limit 1)
		from s where s.it is not null)
	select (s.it).* from s where s.it is not null
$$;
comment on function millrace.sessions() is 'The sessions that are open.';
