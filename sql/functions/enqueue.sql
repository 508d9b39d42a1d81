-- Function:   millrace.enqueue(list millrace.job[])
-- Parameters: list: jobs that are due now; their position says where the ticket goes
-- Returns:    the kinds to wake
-- Changes:    ticket; for limited kinds parked, group_delta, job_group and job.group_no instead
-- Locks:      shared, the advisory lock under which limits change
-- For:        unblock, promote_due, revive: whatever makes a job due that was not
create or replace function millrace.enqueue(list millrace.job[]) returns smallint[]
language plpgsql as $$
#variable_conflict use_column
declare
	k millrace.kind;
begin
	if cardinality(list) = 0 then
		return '{}';
	end if;
	perform pg_advisory_xact_lock_shared(1300, 0);
	for k in select x.* from millrace.kind x where x.limited and x.kind_no in (select j.kind_no from unnest(list) j) order by 1 loop
		perform millrace.group_numbers(k.kind_no, array(
			select millrace.group_name(k.group_by, u) from unnest(list) j join millrace.upload u on u.id = j.upload_id
			where j.kind_no = k.kind_no and j.group_no = 0));
		update millrace.job j set group_no = g.group_no
		from unnest(list) l
		join millrace.upload u on u.id = l.upload_id
		join millrace.job_group g on g.kind_no = k.kind_no and g.hash = millrace.group_hash(millrace.group_name(k.group_by, u))
		where l.kind_no = k.kind_no and l.group_no = 0 and j.upload_id = l.upload_id and j.step_no = l.step_no;
	end loop;
	with due as (
		select l.kind_no, l.class, l.tries, l.step_no, l.position, l.upload_id, j.group_no
		from unnest(list) l join millrace.job j on j.upload_id = l.upload_id and j.step_no = l.step_no),
	placed as (
		insert into millrace.ticket (kind_no, class, attempt, step_no, position, upload_id)
		select d.kind_no, d.class, d.tries + 1, d.step_no, d.position, d.upload_id from due d where d.group_no = 0),
	waiting as (
		insert into millrace.parked (kind_no, class, attempt, step_no, group_no, position, upload_id)
		select d.kind_no, d.class, d.tries + 1, d.step_no, d.group_no, d.position, d.upload_id from due d where d.group_no <> 0)
	insert into millrace.group_delta (kind_no, group_no, parked)
	select d.kind_no, d.group_no, count(*) from due d where d.group_no <> 0 group by d.kind_no, d.group_no;
	return array(select distinct j.kind_no from unnest(list) j);
end
$$;
comment on function millrace.enqueue(millrace.job[]) is 'Queues jobs that are due.';
