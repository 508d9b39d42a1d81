-- Function:   millrace.note_ranges()
-- Changes:    sweep_range: what the marks have passed since the last call; mark.noted
-- Locks:      marks; one that is locked is left for the next time
-- For:        sweep_tickets
create or replace function millrace.note_ranges() returns void
language plpgsql set search_path = millrace, pg_temp as $$
#variable_conflict use_column
declare
	c record;
	m millrace.mark;
begin
	for c in select k.kind_no, k.class from millrace.kind_class k order by 1, 2 loop
		select * into m from millrace.mark x
		where x.kind_no = c.kind_no and x.class = c.class
		order by x.gen desc limit 1
		for no key update skip locked;
		if found and m.position > m.noted then
			insert into millrace.sweep_range
			values (m.kind_no, m.class, m.noted, m.position, pg_snapshot_xmax(pg_current_snapshot()));
			insert into millrace.mark values (m.kind_no, m.class, m.gen + 1, m.position, m.position);
			delete from millrace.mark x where x.kind_no = m.kind_no and x.class = m.class and x.gen = m.gen;
		end if;
	end loop;
end
$$;
comment on function millrace.note_ranges() is 'Notes what the sweep has to walk once.';
