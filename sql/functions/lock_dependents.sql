-- Function:   millrace.lock_dependents(list millrace.finish_row[])
-- Changes:    nothing
-- Locks:      the jobs that wait for those in the list, and all the way down for one that failed or was skipped, in one sorted pass: two finishes of
--             the same upload may free or skip the same ones
-- For:        settle_dependents, whose settings it runs under
create or replace function millrace.lock_dependents(list millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
	d record;
begin
	-- One after the other: a join that was planned while there were few jobs goes through all there are.
	for d in
		with recursive below as (
			select f.upload_id, d.step_no, f.pipeline_no, f.next_state <> 'done' as deep
			from unnest(list) f cross join unnest(f.dependents) d (step_no)
			where f.next_state in ('done', 'failed', 'skipped')
			union
			select b.upload_id, d.step_no, b.pipeline_no, true
			from below b
			join millrace.pipeline_step s on s.pipeline_no = b.pipeline_no and s.step_no = b.step_no
			cross join unnest(s.dependents) d (step_no)
			where b.deep)
		select distinct b.upload_id, b.step_no from below b order by 1, 2
	loop
		perform from millrace.job j where j.upload_id = d.upload_id and j.step_no = d.step_no and j.state = 'waiting' for no key update;
	end loop;
end
$$;
comment on function millrace.lock_dependents(millrace.finish_row[]) is 'Locks the jobs that finishes may free or skip.';
