-- Function:   millrace.rescue_workers(silent_ms bigint)
-- Parameters: silent_ms: how long a worker may be silent
-- Returns:    one row: how many tickets went back, and the kinds to wake
-- Changes:    what give_back changes, for each dead session; worker
-- Locks:      the duty's advisory lock; each worker row, skipped where it is locked (a heartbeat is under way), then as give_back
-- For:        C, the keeper
create or replace function millrace.rescue_workers(silent_ms bigint) returns table (done bigint, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	dead bigint;
	gone bigint[];
	back record;
begin
	done := 0;
	wake := '{}';
	-- After an outage everybody has been silent, and whoever is back first must not take that for death: all get the time to
	-- come back. That this connection is new is the sign of one, a restart of the server included.
	if not pg_try_advisory_xact_lock(1298, 1)
		or (select a.backend_start from pg_stat_activity a where a.pid = pg_backend_pid())
			> clock_timestamp() - silent_ms * interval '1 ms' then
		return next;
		return;
	end if;
	-- By its row each, which is looked at again once it is locked: a heartbeat may have come just now.
	gone := array(
		select w.session from millrace.sessions() s
		cross join lateral (select x.session from millrace.worker x
			where x.session = s.session and x.gen = s.gen and x.seen_at < clock_timestamp() - silent_ms * interval '1 ms'
			for update skip locked) w
		order by w.session);
	-- All at once: locks taken for one session after the other would not be in order.
	perform millrace.lock_uploads(array(
		select t.upload_id from millrace.lease_grant g, unnest(g.kind_nos, g.classes, g.positions) h (kind_no, class, position)
		cross join lateral (select x.* from millrace.ticket x
			where x.kind_no = h.kind_no and x.class = h.class and x.position = h.position offset 0) t
		where g.session = any (gone) and t.session = g.session), false);
	foreach dead in array gone loop
		select * into back from millrace.give_back(dead, 'lost');
		done := done + back.done;
		wake := wake || back.wake;
		delete from millrace.worker w where w.session = dead;
	end loop;
	return next;
end
$$;
comment on function millrace.rescue_workers(bigint) is 'Gives the tickets of silent workers to others.';
