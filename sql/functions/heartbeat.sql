-- Function:   millrace.heartbeat(session bigint, kind_nos smallint[], classes smallint[], marks bigint[], grants bigint[])
-- Parameters: kind_nos, classes, marks: how far the caller's claims have come; grants: those wholly finished
-- Returns:    false when the session is gone: its tickets are with others
-- Changes:    worker, mark, lease_grant
-- Locks:      the session's worker row, then marks in order
-- For:        C, router and worker, every 3 s
create or replace function millrace.heartbeat(session bigint, kind_nos smallint[], classes smallint[], marks bigint[], grants bigint[])
returns boolean
language plpgsql security definer set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
#variable_conflict use_column
declare
	w millrace.worker;
	m record;
begin
	select * into w from millrace.worker x where x.session = heartbeat.session order by x.gen desc limit 1 for no key update;
	if not found then
		return false;
	end if;
	-- A row updated for ever in place rots under an old snapshot: after some beats a new one takes its place.
	if w.beats < 30 then
		update millrace.worker x set beats = beats + 1, seen_at = clock_timestamp() where x.session = w.session and x.gen = w.gen;
	else
		insert into millrace.worker values (w.session, w.gen + 1, 0, w.slots, clock_timestamp(), w.started_at, w.kind_nos,
			w.worker, w.host, w.version);
		delete from millrace.worker x where x.session = w.session and x.gen = w.gen;
	end if;
	delete from millrace.lease_grant g where g.session = heartbeat.session and g.grant_no = any (grants);
	for m in select * from unnest(kind_nos, classes, marks) as g (kind_no, class, position) order by 1, 2 loop
		perform millrace.store_mark(m.kind_no, m.class, m.position);
	end loop;
	return true;
end
$$;
comment on function millrace.heartbeat(bigint, smallint[], smallint[], bigint[], bigint[]) is 'Keeps a lease alive.';
