-- Function:   millrace.leave_groups(list millrace.finish_row[])
-- Parameters: list: jobs whose ticket is gone; one that is queued again has another, and stays admitted
-- Returns:    the kinds of which others may be admitted now
-- Changes:    group_delta
-- Locks:      none
-- For:        finish_jobs, end_lost
create or replace function millrace.leave_groups(list millrace.finish_row[]) returns smallint[]
language plpgsql as $$
#variable_conflict use_column
begin
	insert into millrace.group_delta (kind_no, group_no, admitted)
	select f.kind_no, f.group_no, -count(*) from unnest(list) f
	where f.group_no <> 0 and f.next_state <> 'queued'
	group by f.kind_no, f.group_no;
	return array(select distinct f.kind_no from unnest(list) f where f.group_no <> 0);
end
$$;
comment on function millrace.leave_groups(millrace.finish_row[]) is 'Makes room in their groups for others.';
