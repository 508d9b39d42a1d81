-- Function:   millrace.group_numbers(p_kind smallint, names text[])
-- Returns:    nothing; all these groups have numbers afterwards
-- Changes:    job_group
-- Locks:      none that another waits for, but for who makes the same group
-- For:        make_jobs, park, enqueue
create or replace function millrace.group_numbers(p_kind smallint, names text[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	insert into millrace.job_group (kind_no, hash, name)
	select p_kind, g.hash, g.name
	from (
		select n.hash, min(n.name) as name
		from (select millrace.group_hash(x) as hash, x as name from unnest(names) x) n
		group by n.hash
		offset 0) g
	where (select true from millrace.job_group x where x.kind_no = p_kind and x.hash = g.hash) is null
	order by g.hash
	on conflict do nothing;
end
$$;
comment on function millrace.group_numbers(smallint, text[]) is 'Numbers the groups that are new.';
