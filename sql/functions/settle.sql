-- Function:   millrace.settle(list millrace.finish_row[], many boolean)
-- Parameters: list: jobs that moved; those now done, failed or skipped have ended; many: some may be of uploads with many jobs
-- Changes:    upload (counts; final exactly once) or what settle_many changes
-- Locks:      none beyond the caller's: it holds the uploads, which serialises all that happens to their jobs
-- For:        finish_jobs and end_lost, whose settings it runs under, after settle_dependents
create or replace function millrace.settle(list millrace.finish_row[], many boolean) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	with change as (
		select f.upload_id, count(*) filter (where f.decides) as decided,
			count(*) filter (where f.next_state = 'failed' and f.on_failure = 'fail') as failed,
			count(*) filter (where f.next_state = 'failed' and f.on_failure = 'review') as review,
			max(f.outcome) filter (where f.outcome in ('source_gone', 'superseded')) as gone
		from unnest(list) f
		where f.next_state in ('done', 'failed', 'skipped')
		group by f.upload_id)
	update millrace.upload u set
		open_jobs = u.open_jobs - c.decided,
		failed_jobs = u.failed_jobs + c.failed,
		review_jobs = u.review_jobs + c.review,
		reason = coalesce(c.gone, u.reason),
		state = case when u.state = 'routed' and u.open_jobs = c.decided
			then millrace.final_state(u.failed_jobs + c.failed, u.review_jobs + c.review, coalesce(c.gone, u.reason))
			else u.state end,
		finished_at = case when u.state = 'routed' and u.open_jobs = c.decided then clock_timestamp() else u.finished_at end
	from change c
	where u.id = c.upload_id and not u.many;
	if many then
		perform millrace.settle_many(list);
	end if;
end
$$;
comment on function millrace.settle(millrace.finish_row[], boolean) is 'What follows for the parents of jobs that ended.';
