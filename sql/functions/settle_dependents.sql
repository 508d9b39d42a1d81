-- Function:   millrace.settle_dependents(list millrace.finish_row[], beside_finishes boolean)
-- Parameters: list: jobs that moved; those now done, failed or skipped have ended; beside_finishes: others finish jobs of the same uploads
-- Returns:    the kinds that have new tickets
-- Changes:    job and ticket (dependents that are free now, or skipped), upload (counts), tally_delta
-- Locks:      none beyond the caller's; beside_finishes the dependents by upload and step
-- For:        finish_jobs and end_lost, whose settings it runs under
create or replace function millrace.settle_dependents(list millrace.finish_row[], beside_finishes boolean) returns smallint[]
language plpgsql as $$
declare
	kinds smallint[];
begin
	if beside_finishes then
		perform millrace.lock_dependents(list);
	end if;
	kinds := millrace.unblock(list);
	perform millrace.skip_dependents(list);
	return kinds;
end
$$;
comment on function millrace.settle_dependents(millrace.finish_row[], boolean) is 'What follows for the jobs that waited for those that ended.';
