-- Function:   millrace.end_lost(list millrace.finish_row[])
-- Parameters: list: a try that was lost with its worker and was all that this held, already counted in job.crashes
-- Changes:    ticket, job, dead_job, upload, tally_delta: a job that crashed 3 times is dead, so that it cannot take more workers with it
-- Locks:      none beyond the caller's
-- For:        note_lost
create or replace function millrace.end_lost(list millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
	dead millrace.finish_row[];
begin
	with ended as (
		update millrace.job j set state = 'failed', finished_at = clock_timestamp(), tries = f.attempt
		from unnest(list) f
		where j.upload_id = f.upload_id and j.step_no = f.step_no and j.crashes >= 3
		returning f.n, j.kind_no, j.class, j.position, j.upload_id, j.step_no, f.attempt, f.claimed_at, j.pipeline_no, f.group_no),
	gone as (
		delete from millrace.ticket t using ended d
		where t.kind_no = d.kind_no and t.class = d.class and t.position = d.position),
	tallied as (
		insert into millrace.tally_delta (kind_no, queued) select d.kind_no, -count(*) from ended d group by d.kind_no)
	select array_agg(row(d.n, d.kind_no, d.class, d.position, d.upload_id, d.step_no, d.attempt, d.claimed_at, 'lost',
		'{"error_class": "lost", "error": "It crashed 3 times; the last time its worker, which ran nothing else, died or fell silent."}'::jsonb, 'failed', null,
		d.pipeline_no, s.decides, s.on_failure, s.dependents, d.group_no)::millrace.finish_row)
	into dead
	from ended d join millrace.pipeline_step s on s.pipeline_no = d.pipeline_no and s.step_no = d.step_no;
	if dead is not null then
		perform millrace.requeue(dead);
		perform millrace.settle(dead, false);
		perform millrace.leave_groups(dead);
	end if;
end
$$;
comment on function millrace.end_lost(millrace.finish_row[]) is 'Ends jobs that keep taking their worker with them.';
