-- Function:   millrace.wake(kinds smallint[])
-- Parameters: kinds: the kinds that got due jobs, or of which jobs ended that have a limit, after the commit that did it
-- Returns:    how many kinds had somebody asleep and were notified: channel millrace, payload the kind's number for who is on call, with a
--             star for all when nobody is
-- Changes:    for limited kinds what admit changes
-- Locks:      for limited kinds as admit; then it tries the advisory locks that sleepers hold: (1297, kind) each of them, shared; (1296, kind) who
--             is on call; (1295, kind) the same while it claims all the time. That is how they are seen, without a row that would rot
--             under an old snapshot
-- For:        C, in a transaction of its own
create or replace function millrace.wake(kinds smallint[]) returns integer
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
	k smallint;
	woken integer := 0;
begin
	perform millrace.admit_kinds(kinds);
	for k in select distinct unnest(kinds) order by 1 loop
		-- The other two shared, so that two who wake do not take each other for one who sleeps.
		if not pg_try_advisory_xact_lock(1297, k) and pg_try_advisory_xact_lock_shared(1295, k) then
			-- For the whole transaction: a hint is not worth waiting for the disk.
			perform set_config('synchronous_commit', 'off', true);
			perform pg_notify('millrace', k || case when pg_try_advisory_xact_lock_shared(1296, k) then '*' else '' end);
			woken := woken + 1;
		end if;
	end loop;
	return woken;
end
$$;
comment on function millrace.wake(smallint[]) is 'Admits and notifies: what has to follow a commit that made jobs due.';
