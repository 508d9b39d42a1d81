-- Function:   millrace.cancel_upload(trace text, who text, why text)
-- Parameters: trace: a trace ID in any form
-- Returns:    one row (outcome, reply, wake): cancelled, not_found, or not_open when it is final; reply: {trace_id, state, jobs, running}: how many
--             jobs were cancelled, and how many of those were running
-- Changes:    upload, upload_sum, audit, and what cancel_jobs or cancel_route changes. What is done or dead stays so
-- Locks:      the advisory lock of who sends an event of this trace (an expected upload either arrives first or is cancelled first), then as
--             lock_uploads, the lock of its fold, then as cancel_jobs
-- For:        C, the operator
create or replace function millrace.cancel_upload(trace text, who text, why text)
returns table (outcome text, reply jsonb, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	wanted constant uuid := millrace.trace_uuid(cancel_upload.trace);
	u millrace.upload;
	s millrace.upload_sum;
	jobs bigint := 0;
	running bigint := 0;
begin
	wake := '{}';
	perform pg_advisory_xact_lock(hashtextextended(wanted::text, 1297));
	perform millrace.lock_uploads(array[wanted], false);
	-- What finishes of one with many jobs left to fold may have made it final. Nobody folds any more, but the last who did may still be
	-- letting go of its locks, one after the other: fold_upload would take that for a fold under way and leave all to it.
	perform pg_advisory_xact_lock(uuid_hash_extended(x.id, 1300)) from millrace.upload x where x.id = wanted and x.many;
	perform millrace.fold_upload(x.id, true) from millrace.upload x where x.id = wanted and x.many;
	select * into u from millrace.upload x where x.id = wanted;
	if not found then
		outcome := 'not_found';
		return next;
		return;
	end if;
	reply := jsonb_build_object('trace_id', millrace.trace_text(u.id), 'state', u.state);
	if u.state not in ('expected', 'accepted', 'routed') then
		outcome := 'not_open';
		return next;
		return;
	end if;

	if u.state = 'accepted' then
		perform millrace.cancel_route(u.id);
	elsif u.state = 'routed' then
		select c.jobs, c.running, c.wake into jobs, running, wake from millrace.cancel_jobs(u.id) c;
	end if;
	select * into s from millrace.upload_sum x where x.upload_id = u.id order by x.gen desc limit 1;
	update millrace.upload x set state = 'cancelled', finished_at = clock_timestamp(), reason = 'cancelled',
		detail = 'by ' || coalesce(nullif(cancel_upload.who, ''), '?') || coalesce(': ' || nullif(cancel_upload.why, ''), ''),
		open_jobs = 0, failed_jobs = x.failed_jobs + coalesce(s.failed, 0), review_jobs = x.review_jobs + coalesce(s.review, 0)
	where x.id = u.id;
	delete from millrace.upload_sum x where x.upload_id = u.id;
	insert into millrace.audit (who, action, subject, why)
	values (cancel_upload.who, 'cancel', millrace.trace_text(u.id), cancel_upload.why);
	outcome := 'cancelled';
	reply := reply || jsonb_build_object('state', 'cancelled', 'jobs', jobs, 'running', running);
	return next;
end
$$;
comment on function millrace.cancel_upload(text, text, text) is 'Ends an upload whose jobs are not wanted any more: what waits is dropped, what runs is not taken.';
