-- Function:   millrace.admit_all()
-- Returns:    one row: how many parked jobs have become tickets, and the kinds to wake
-- Changes:    as admit, for each kind that has or had limits
-- Locks:      the duty's advisory lock; then as admit
-- For:        C, the keeper: what a process left undone that died between its commit and its call of wake
create or replace function millrace.admit_all() returns table (done bigint, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	k smallint;
	n bigint;
begin
	done := 0;
	wake := '{}';
	if not pg_try_advisory_xact_lock(1298, 5) then
		return next;
		return;
	end if;
	for k in select x.kind_no from millrace.kind x where x.limited or x.parking
		or exists (select from millrace.turn t where t.kind_no = x.kind_no and t.admitted > 0)
		or exists (select from millrace.group_delta d where d.kind_no = x.kind_no) order by 1 loop
		n := millrace.admit(k);
		if n > 0 then
			done := done + n;
			wake := wake || k;
		end if;
	end loop;
	return next;
end
$$;
comment on function millrace.admit_all() is 'Lets parked jobs become tickets, of all kinds.';
