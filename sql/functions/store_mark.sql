-- Function:   millrace.store_mark(kind_no smallint, class smallint, reached bigint)
-- Changes:    mark: a new generation, if reached is ahead of the newest
-- Locks:      the newest row of the class; who does not get it at once leaves the mark to the one who has it
-- For:        heartbeat
create or replace function millrace.store_mark(kind_no smallint, class smallint, reached bigint) returns void
language plpgsql set search_path = millrace, pg_temp as $$
declare
	m millrace.mark;
begin
	select * into m from millrace.mark x
	where x.kind_no = store_mark.kind_no and x.class = store_mark.class
	order by x.gen desc limit 1
	for no key update skip locked;
	if not found or m.position >= reached then
		return;
	end if;
	insert into millrace.mark values (m.kind_no, m.class, m.gen + 1, reached, m.noted, m.swept, m.closes) on conflict do nothing;
	delete from millrace.mark x where x.kind_no = m.kind_no and x.class = m.class and x.gen = m.gen;
end
$$;
comment on function millrace.store_mark(smallint, smallint, bigint) is 'Moves a mark ahead.';
