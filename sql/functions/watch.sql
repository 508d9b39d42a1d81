-- Function:   millrace.watch(kind_nos smallint[])
-- Parameters: kind_nos: the kinds of which the caller, awake, claims again every few milliseconds
-- Returns:    whether it is on call for one of them
-- Changes:    nothing
-- Locks:      of each kind for which the session is or can be on call its advisory lock (1295, kind); awake() and sleep_on() release them
-- For:        C, on the connection that listens, which is never pooled
create or replace function millrace.watch(kind_nos smallint[]) returns boolean
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
declare
	k smallint;
	watches boolean := false;
begin
	for k in select distinct unnest(kind_nos) order by 1 loop
		continue when not pg_try_advisory_lock(1296, k);
		if pg_try_advisory_lock(1295, k) then
			watches := true;
		else
			-- Somebody wakes right now. As it was before: the caller does not hear whether it is on call for this one.
			perform pg_advisory_unlock(1296, k);
		end if;
	end loop;
	return watches;
end
$$;
comment on function millrace.watch(smallint[]) is 'Says that this session claims these kinds all the time: nobody need be woken.';
