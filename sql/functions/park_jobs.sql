-- Function:   millrace.park_jobs(list millrace.route_row[])
-- Parameters: list: uploads whose jobs were made in this transaction
-- Changes:    parked, group_delta: those of limited kinds that are due
-- Locks:      none
-- For:        make_jobs, whose settings it runs under
create or replace function millrace.park_jobs(list millrace.route_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	with waiting as (
		insert into millrace.parked (kind_no, class, attempt, step_no, group_no, position, upload_id)
		select j.kind_no, j.class, 1, j.step_no, j.group_no, j.position, j.upload_id
		from unnest(list) r join millrace.job j on j.upload_id = r.upload_id
		where r.outcome = 'expand' and j.state = 'queued' and j.group_no <> 0
		returning parked.kind_no, parked.group_no)
	insert into millrace.group_delta (kind_no, group_no, parked)
	select w.kind_no, w.group_no, count(*) from waiting w group by w.kind_no, w.group_no;
end
$$;
comment on function millrace.park_jobs(millrace.route_row[]) is 'Lets new jobs of limited kinds wait for their turn.';
