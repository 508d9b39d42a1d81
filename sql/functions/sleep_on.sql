-- Function:   millrace.sleep_on(kind_nos smallint[])
-- Parameters: kind_nos: the kinds that the caller is about to sleep on; it claims once more after this
-- Changes:    nothing
-- Locks:      the session's advisory locks (1297, kind), shared; awake() releases them
-- For:        C, on the connection that listens, which is never pooled
create or replace function millrace.sleep_on(kind_nos smallint[]) returns void
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
declare
	k smallint;
begin
	for k in select distinct unnest(kind_nos) order by 1 loop
		perform pg_advisory_lock_shared(1297, k);
	end loop;
end
$$;
comment on function millrace.sleep_on(smallint[]) is 'Says that this session sleeps on these kinds and wants to be notified.';
