-- Function:   millrace.on_call(kind_nos smallint[])
-- Parameters: kind_nos: kinds on which the session sleeps
-- Returns:    those for which it is on call, from now on or still: wake() calls only who is; it claims after this
-- Changes:    nothing
-- Locks:      the session's advisory lock (1296, kind) of each kind for which nobody is on call; awake() releases them
-- For:        C, on the connection that listens, which is never pooled; sleep_on
create or replace function millrace.on_call(kind_nos smallint[]) returns smallint[]
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
declare
	k smallint;
	ours smallint[] := '{}';
begin
	for k in select distinct unnest(kind_nos) order by 1 loop
		if pg_try_advisory_lock(1296, k) then
			ours := ours || k;
		end if;
	end loop;
	return ours;
end
$$;
comment on function millrace.on_call(smallint[]) is 'Makes this session the one that is called for these kinds, where there is none.';
