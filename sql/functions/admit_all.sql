-- Function:   millrace.admit_all()
-- Returns:    one row: how many parked jobs have become tickets, and the kinds to wake
-- Changes:    as admit, for each kind that has or had limits
-- Locks:      the duty's advisory lock; then as admit
-- For:        C, the keeper: what a process left undone that died between its commit and its call of wake
create or replace function millrace.admit_all() returns table (done bigint, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
	done := 0;
	wake := '{}';
	if not pg_try_advisory_xact_lock(1298, 5) then
		return next;
		return;
	end if;
	select a.done, a.admitted into done, wake from millrace.admit_kinds(array(select x.kind_no from millrace.kind x)) a;
	return next;
end
$$;
comment on function millrace.admit_all() is 'Lets parked jobs become tickets, of all kinds.';
