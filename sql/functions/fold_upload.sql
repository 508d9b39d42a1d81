-- Function:   millrace.fold_upload(p_id uuid, p_all boolean)
-- Parameters: p_id: an upload with many jobs; p_all: fold however few deltas there are
-- Changes:    upload_delta, upload_sum; upload when that makes it final, which happens exactly once
-- Locks:      the advisory lock of this fold, if it is free: else another is at it. The caller holds the upload as lock_uploads does, at least
--             beside finishes, so that no replay is under way; of those who fold, this lock lets one at a time write the upload
-- For:        settle_many, fold_uploads
create or replace function millrace.fold_upload(p_id uuid, p_all boolean) returns void
language plpgsql as $$
#variable_conflict use_column
declare
	low bigint;
	u millrace.upload;
	s millrace.upload_sum;
	d record;
begin
	if not pg_try_advisory_xact_lock(uuid_hash_extended(p_id, 1300)) then
		return;
	end if;
	-- In statements after that, so that they see what the last one who folded left.
	select f.low into low from millrace.upload_fold f order by f.gen desc limit 1;
	select * into u from millrace.upload x where x.id = p_id;
	select * into s from millrace.upload_sum x where x.upload_id = p_id order by x.gen desc limit 1;
	select coalesce(array_agg(x.delta_no), '{}') as numbers, coalesce(sum(x.decided), 0) + coalesce(s.decided, 0) as decided,
		coalesce(sum(x.failed), 0) + coalesce(s.failed, 0) as failed, coalesce(sum(x.review), 0) + coalesce(s.review, 0) as review,
		coalesce(max(x.gone), s.gone) as gone
	into d
	from millrace.upload_delta x where x.upload_id = p_id and x.delta_no > low;

	if cardinality(d.numbers) = 0 then
		return;
	elsif u.open_jobs = d.decided then
		update millrace.upload x set
			open_jobs = x.open_jobs - d.decided,
			failed_jobs = x.failed_jobs + d.failed,
			review_jobs = x.review_jobs + d.review,
			reason = coalesce(d.gone, x.reason),
			state = case when x.state = 'routed'
				then millrace.final_state(x.failed_jobs + d.failed, x.review_jobs + d.review, coalesce(d.gone, x.reason))
				else x.state end,
			finished_at = case when x.state = 'routed' then clock_timestamp() else x.finished_at end
		where x.id = p_id;
	elsif p_all or cardinality(d.numbers) >= 32 then
		insert into millrace.upload_sum values (p_id, coalesce(s.gen, 0) + 1, d.decided, d.failed, d.review, d.gone);
	else
		return;
	end if;
	delete from millrace.upload_delta x where x.delta_no = any (d.numbers);
	delete from millrace.upload_sum x where x.upload_id = p_id and x.gen = s.gen;
end
$$;
comment on function millrace.fold_upload(uuid, boolean) is 'Adds up what finishes changed in an upload with many jobs; makes it final when none is open.';
