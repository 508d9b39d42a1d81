-- Function:   millrace.sweep_tickets()
-- Returns:    one row: how many late tickets were found, and the kinds to wake
-- Changes:    mark, and for what is found what move_tickets changes
-- Locks:      the duty's advisory lock; then mark by mark, where one that is locked is left for the next time; then as move_tickets
-- For:        C, the keeper. A ticket can turn up below the mark: its transaction committed late, or a claim of it was rolled back.
--             Each range that a mark has passed is walked once, when every transaction that ran as it was noted has ended. That holds because
--             who makes a ticket has written something before it takes the position, so that its transaction has an xid by then.
create or replace function millrace.sweep_tickets() returns table (done bigint, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	c millrace.kind_class;
	m millrace.mark;
	n millrace.mark;
	found_positions bigint[];
begin
	done := 0;
	wake := '{}';
	if not pg_try_advisory_xact_lock(1298, 2) then
		return next;
		return;
	end if;
	for c in select * from millrace.kind_class k order by k.kind_no, k.class loop
		select * into m from millrace.mark x
		where x.kind_no = c.kind_no and x.class = c.class
		order by x.gen desc limit 1
		for no key update skip locked;
		continue when not found;
		n := m;
		if m.noted > m.swept and m.closes <= pg_snapshot_xmin(pg_current_snapshot()) then
			select array_agg(t.position) into found_positions
			from millrace.ticket t
			where t.kind_no = m.kind_no and t.class = m.class and t.position > m.swept and t.position <= m.noted and t.session = 0;
			if found_positions is not null then
				done := done + (select count(*) from millrace.move_tickets(0, array_fill(m.kind_no, array[cardinality(found_positions)]),
					array_fill(m.class, array[cardinality(found_positions)]), found_positions));
				wake := wake || m.kind_no;
			end if;
			n.swept := m.noted;
		end if;
		if n.swept = m.noted and m.position > m.noted then
			n.noted := m.position;
			-- Who stored the mark had its xid after all these positions were taken, and has ended: it is below this.
			n.closes := pg_snapshot_xmax(pg_current_snapshot());
		end if;
		if n <> m then
			insert into millrace.mark values (n.kind_no, n.class, n.gen + 1, n.position, n.noted, n.swept, n.closes);
			delete from millrace.mark x where x.kind_no = m.kind_no and x.class = m.class and x.gen = m.gen;
		end if;
	end loop;
	return next;
end
$$;
comment on function millrace.sweep_tickets() is 'Finds tickets that claims have passed by.';
