-- Function:   millrace.wake(kinds smallint[])
-- Parameters: kinds: the kinds that got tickets, after the commit that made them
-- Returns:    how many kinds had somebody asleep and were notified (channel millrace, payload the kind's number)
-- Changes:    nothing
-- Locks:      tries the advisory lock (1297, kind) of each kind, which a sleeper holds shared: that is how it is seen,
--             without a row that would rot under an old snapshot
-- For:        C, in a transaction of its own
create or replace function millrace.wake(kinds smallint[]) returns integer
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
declare
	k smallint;
	woken integer := 0;
begin
	for k in select distinct unnest(kinds) order by 1 loop
		if not pg_try_advisory_xact_lock(1297, k) then
			-- For the whole transaction: a hint is not worth waiting for the disk.
			perform set_config('synchronous_commit', 'off', true);
			perform pg_notify('millrace', k::text);
			woken := woken + 1;
		end if;
	end loop;
	return woken;
end
$$;
comment on function millrace.wake(smallint[]) is 'Notifies those who sleep on these kinds, if anybody does.';
