-- Function:   millrace.end_lost(list millrace.finish_row[])
-- Parameters: list: tries that were lost with their worker, already counted in job.losses
-- Changes:    ticket, job, dead_job, upload: a job that went down with 10 workers is dead, so that it cannot take more with it
-- Locks:      none beyond the caller's
-- For:        note_lost
create or replace function millrace.end_lost(list millrace.finish_row[]) returns void
language plpgsql set search_path = millrace, pg_temp as $$
#variable_conflict use_column
declare
	dead millrace.finish_row[];
begin
	select array_agg(row(f.n, j.kind_no, j.class, j.position, j.upload_id, j.step_no, f.attempt, f.claimed_at, 'lost', null, null,
		'{"error_class": "lost", "error": "Its worker died or fell silent 10 times while it ran."}'::jsonb, 'failed', null,
		j.generation)::millrace.finish_row)
	into dead
	from unnest(list) f join millrace.job j on j.upload_id = f.upload_id and j.step_no = f.step_no
	where j.losses >= 10;
	if dead is null then
		return;
	end if;
	delete from millrace.ticket t using unnest(dead) d
	where t.kind_no = d.kind_no and t.class = d.class and t.position = d.position;
	perform millrace.move_jobs(dead);
	perform millrace.settle(dead);
	perform millrace.tally_add(array_agg(millrace.tally_of(d.kind_no, d_queued => -1))) from unnest(dead) d;
end
$$;
comment on function millrace.end_lost(millrace.finish_row[]) is 'Ends jobs that keep taking their worker with them.';
