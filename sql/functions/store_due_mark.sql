-- Function:   millrace.store_due_mark(m millrace.due_mark, settled boolean, last millrace.delayed, more boolean)
-- Parameters: m: the mark; settled: every transaction before m.closes had ended before the walk began; last: the last that was promoted
--             (null: none); more: the walk ended early
-- Changes:    due_mark: a new generation, if it moves
-- Locks:      none beyond the caller's
-- For:        promote_due. The mark goes in three steps, each in a transaction of its own: next, below which nobody may put anything who sees
--             it; closing, with its own xid, from which on all see it; low, when all before that xid have ended.
create or replace function millrace.store_due_mark(m millrace.due_mark, settled boolean, last millrace.delayed, more boolean) returns void
language plpgsql set search_path = millrace, pg_temp as $$
declare
	n millrace.due_mark := m;
begin
	if m.next_at > clock_timestamp() and not more then
		-- The clock was set back: what is due by the new time is below the mark.
		n := row(m.gen, '-infinity', 0, '-infinity', 0, '0', '-infinity', 0)::millrace.due_mark;
	else
		if settled then
			n.low_at := m.closing_at;
			n.low_no := m.closing_no;
			if more and (last.due_at, last.delayed_no) < (n.low_at, n.low_no) then
				n.low_at := last.due_at;
				n.low_no := last.delayed_no;
			end if;
			n.closing_at := m.next_at;
			n.closing_no := m.next_no;
		end if;
		if (last.due_at, last.delayed_no) > (m.next_at, m.next_no) then
			n.next_at := last.due_at;
			n.next_no := last.delayed_no;
		end if;
	end if;
	if n = m then
		return;
	end if;
	if settled then
		n.closes := pg_current_xact_id();
	end if;
	n.gen := m.gen + 1;
	insert into millrace.due_mark values (n.*);
	delete from millrace.due_mark x where x.gen = m.gen;
end
$$;
comment on function millrace.store_due_mark(millrace.due_mark, boolean, millrace.delayed, boolean) is 'Moves the mark of promotions ahead.';
