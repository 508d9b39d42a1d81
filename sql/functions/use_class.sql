-- Function:   millrace.use_class(kind_no smallint, class smallint)
-- Changes:    kind_class and mark, the first time that a kind has tickets in this class
-- Locks:      none that another waits for
-- For:        the functions that make tickets of a new class
create or replace function millrace.use_class(kind_no smallint, class smallint) returns void
language plpgsql set search_path = millrace, pg_temp as $$
#variable_conflict use_variable
begin
	if exists (select from millrace.kind_class c where c.kind_no = use_class.kind_no and c.class = use_class.class) then
		return;
	end if;
	insert into millrace.kind_class values (kind_no, class) on conflict do nothing;
	insert into millrace.mark values (kind_no, class, 1, 0, 0) on conflict do nothing;
end
$$;
comment on function millrace.use_class(smallint, smallint) is 'Lets claims of a kind look into this class.';
