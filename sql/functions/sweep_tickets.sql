-- Function:   millrace.sweep_tickets()
-- Returns:    one row: how many late tickets were found, and the kinds to wake
-- Changes:    sweep_range, mark.noted, and for what is found what move_tickets changes
-- Locks:      the duty's advisory lock; then as move_tickets
-- For:        C, the keeper. A ticket can turn up below the mark: its transaction committed late, or a claim of it was rolled back.
--             Each range that a mark has passed is walked once, when every transaction that ran as it was noted has ended. That holds because
--             who makes a ticket has written something before it takes the position, so that its transaction has an xid by then.
create or replace function millrace.sweep_tickets() returns table (done bigint, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	r millrace.sweep_range;
	found_kinds smallint[];
	found_classes smallint[];
	found_positions bigint[];
begin
	done := 0;
	wake := '{}';
	if not pg_try_advisory_xact_lock(1298, 2) then
		return next;
		return;
	end if;
	for r in
		delete from millrace.sweep_range s where s.closes <= pg_snapshot_xmin(pg_current_snapshot()) returning s.*
	loop
		select array_agg(t.kind_no), array_agg(t.class), array_agg(t.position)
		into found_kinds, found_classes, found_positions
		from millrace.ticket t
		where t.kind_no = r.kind_no and t.class = r.class and t.position > r.low and t.position <= r.high and t.session = 0;
		if found_kinds is not null then
			done := done + (select count(*) from millrace.move_tickets(0, found_kinds, found_classes, found_positions));
			wake := wake || r.kind_no;
		end if;
	end loop;
	perform millrace.note_ranges();
	return next;
end
$$;
comment on function millrace.sweep_tickets() is 'Finds tickets that claims have passed by.';
