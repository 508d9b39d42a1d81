-- Function:   millrace.sleep_on(kind_nos smallint[], may_be_on_call boolean)
-- Parameters: kind_nos: the kinds that the caller is about to sleep on; it claims once more after this
-- Returns:    as on_call
-- Changes:    nothing
-- Locks:      the session's advisory locks (1297, kind), shared: somebody sleeps; and as on_call. awake() releases
--             them. Releases those of watch()
-- For:        C, on the connection that listens, which is never pooled
create or replace function millrace.sleep_on(kind_nos smallint[], may_be_on_call boolean) returns smallint[]
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
declare
	k smallint;
begin
	perform pg_advisory_unlock_all();
	for k in select distinct unnest(kind_nos) order by 1 loop
		perform pg_advisory_lock_shared(1297, k);
	end loop;
	return case when may_be_on_call then millrace.on_call(kind_nos) else '{}' end;
end
$$;
comment on function millrace.sleep_on(smallint[], boolean) is 'Says that this session sleeps on these kinds and wants to be notified.';
