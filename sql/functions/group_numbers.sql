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
	select p_kind, g.hash, min(g.name)
	from (select millrace.group_hash(n) as hash, n as name from unnest(names) n) g
	where not exists (select from millrace.job_group x where x.kind_no = p_kind and x.hash = g.hash)
	group by g.hash
	order by g.hash
	on conflict do nothing;
end
$$;
comment on function millrace.group_numbers(smallint, text[]) is 'Numbers the groups that are new.';
