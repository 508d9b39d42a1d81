-- Function:   millrace.kind_numbers(kinds text[])
-- Returns:    the numbers of these kinds, in their order; makes the ones that are new, with classes live and replay
-- Changes:    kind, kind_class, mark
-- Locks:      none that another waits for
-- For:        open_session, register_pipeline
create or replace function millrace.kind_numbers(kinds text[]) returns smallint[]
language plpgsql set search_path = millrace, pg_temp as $$
begin
	insert into millrace.kind (name)
	select distinct k from unnest(kinds) k where not exists (select from millrace.kind x where x.name = k) order by 1
	on conflict (name) do nothing;
	perform millrace.use_class(k.kind_no, c::smallint)
	from millrace.kind k, unnest('{0,4}'::smallint[]) c
	where k.name = any (kinds)
	order by k.kind_no, c;
	return (select coalesce(array_agg(k.kind_no order by g.ord), '{}')
		from unnest(kinds) with ordinality g (name, ord) join millrace.kind k on k.name = g.name);
end
$$;
comment on function millrace.kind_numbers(text[]) is 'The numbers of these kinds; new ones are made.';
