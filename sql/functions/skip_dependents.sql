-- Function:   millrace.skip_dependents(list millrace.finish_row[])
-- Changes:    job (waiting to skipped, reason dependency, all the way down), upload or upload_delta (counts), tally_delta
-- Locks:      none beyond the caller's
-- For:        settle_dependents, whose settings it runs under
create or replace function millrace.skip_dependents(list millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	if not exists (select from unnest(list) f where f.next_state in ('failed', 'skipped')) then
		return;
	end if;
	with recursive below as (
		select f.upload_id, d.step_no, f.pipeline_no
		from unnest(list) f cross join unnest(f.dependents) d (step_no)
		where f.next_state in ('failed', 'skipped')
		union
		select b.upload_id, d.step_no, b.pipeline_no
		from below b
		join millrace.pipeline_step s on s.pipeline_no = b.pipeline_no and s.step_no = b.step_no
		cross join unnest(s.dependents) d (step_no)),
	-- Each is looked up by itself: a join that was planned while there were few jobs goes through all there are.
	found as (
		select (select x.ctid from millrace.job x where x.upload_id = b.upload_id and x.step_no = b.step_no) as row_at from below b offset 0),
	skipped as (
		update millrace.job j set state = 'skipped', reason = 'dependency', finished_at = clock_timestamp()
		from found b
		where j.ctid = b.row_at and j.state = 'waiting'
		returning j.upload_id, j.step_no, j.kind_no, j.pipeline_no),
	counted as (
		select k.upload_id, count(*) filter (where s.decides) as decided,
			count(*) filter (where s.on_failure = 'fail') as failed,
			count(*) filter (where s.on_failure = 'review') as review
		from skipped k join millrace.pipeline_step s on s.pipeline_no = k.pipeline_no and s.step_no = k.step_no
		group by k.upload_id),
	tallied as (
		insert into millrace.tally_delta (kind_no, waiting) select k.kind_no, -count(*) from skipped k group by k.kind_no),
	kept as (
		insert into millrace.upload_delta (upload_id, decided, failed, review)
		select c.upload_id, c.decided, c.failed, c.review
		from counted c join millrace.upload u on u.id = c.upload_id where u.many and c.decided > 0)
	-- The parent is only counted down here; whether it is final, settle decides after this, with the jobs that caused it.
	update millrace.upload u set open_jobs = u.open_jobs - c.decided, failed_jobs = u.failed_jobs + c.failed,
		review_jobs = u.review_jobs + c.review
	from counted c
	where u.id = c.upload_id and not u.many;
end
$$;
comment on function millrace.skip_dependents(millrace.finish_row[]) is 'Skips what can no longer run because of what it needs.';
