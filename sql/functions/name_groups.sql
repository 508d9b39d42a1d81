-- Function:   millrace.name_groups(p_pipeline_no int, list millrace.route_row[])
-- Returns:    nothing; the groups of all jobs of limited kinds that these uploads may get have numbers afterwards
-- Changes:    job_group
-- Locks:      as group_numbers
-- For:        make_jobs, whose settings it runs under
create or replace function millrace.name_groups(p_pipeline_no integer, list millrace.route_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	perform millrace.group_numbers(k.kind_no, array(
		select distinct millrace.group_name(k.group_by, u) from unnest(list) r join millrace.upload u on u.id = r.upload_id
		where r.outcome = 'expand'))
	from millrace.kind k
	where k.limited and exists (select from millrace.pipeline_step s where s.pipeline_no = p_pipeline_no and s.kind_no = k.kind_no)
	order by k.kind_no;
end
$$;
comment on function millrace.name_groups(integer, millrace.route_row[]) is 'Numbers the groups that routed uploads bring with them.';
