-- Function:   millrace.cancel_jobs(p_upload uuid)
-- Returns:    how many jobs, how many of them were running, and the kinds of which others may be admitted now
-- Changes:    ticket, parked, delayed, group_delta, attempt, job (waiting, queued and retrying to cancelled), tally_delta. What runs has no ticket any
--             more, so that its finish changes nothing; its try has a row, which keeps its number from being used again
-- Locks:      the admission of each kind that has a job queued, in order: meanwhile no parked job becomes a ticket, nor the reverse; then tickets,
--             then jobs. The caller holds the upload
-- For:        cancel_upload, whose settings it runs under
create or replace function millrace.cancel_jobs(p_upload uuid) returns table (jobs bigint, running bigint, wake smallint[])
language plpgsql as $$
#variable_conflict use_column
declare
	gone millrace.ticket[];
	at constant timestamptz := clock_timestamp();
begin
	perform pg_advisory_xact_lock(1299, k.kind_no)
	from (select distinct j.kind_no from millrace.job j where j.upload_id = p_upload and j.state = 'queued' order by 1) k;
	gone := millrace.take_tickets(p_upload);
	-- It always has its row: found from the job's own time on, because it may be due later than that, never before.
	delete from millrace.delayed d
	using (
		select (select x.ctid from millrace.delayed x where x.due_at >= j.due_at and x.upload_id = j.upload_id and x.step_no = j.step_no
			order by x.due_at, x.delayed_no limit 1) as row_at
		from millrace.job j where j.upload_id = p_upload and j.state = 'retrying'
		offset 0) j
	where d.ctid = j.row_at;

	insert into millrace.attempt (upload_id, step_no, attempt, generation, session, worker, claimed_at, started_at, finished_at, outcome)
	select g.upload_id, g.step_no, g.attempt, (select j.generation from millrace.job j where j.upload_id = g.upload_id and j.step_no = g.step_no),
		g.session, coalesce((select w.worker from millrace.worker w where w.session = g.session order by w.gen desc limit 1), '?'),
		g.claimed_at, g.claimed_at, greatest(at, g.claimed_at), 'cancelled'
	from unnest(gone) g where g.session <> 0;
	update millrace.job j set tries = g.attempt
	from (
		select x.attempt, (select y.ctid from millrace.job y where y.upload_id = x.upload_id and y.step_no = x.step_no) as row_at
		from unnest(gone) x where x.session <> 0
		offset 0) g
	where j.ctid = g.row_at;
	insert into millrace.tally_delta (kind_no, waiting, queued, running, retrying)
	select j.kind_no, -count(*) filter (where j.state = 'waiting'), coalesce(max(r.n), 0) - count(*) filter (where j.state = 'queued'),
		-coalesce(max(r.n), 0), -count(*) filter (where j.state = 'retrying')
	from millrace.job j
	left join (select g.kind_no, count(*) as n from unnest(gone) g where g.session <> 0 group by g.kind_no) r on r.kind_no = j.kind_no
	where j.upload_id = p_upload and j.state in ('waiting', 'queued', 'retrying')
	group by j.kind_no;

	update millrace.job j set state = 'cancelled', finished_at = at
	where j.upload_id = p_upload and j.state in ('waiting', 'queued', 'retrying');
	get diagnostics jobs = row_count;
	running := (select count(*) from unnest(gone) g where g.session <> 0);
	wake := array(select distinct g.kind_no from unnest(gone) g where g.group_no <> 0);
	return next;
end
$$;
comment on function millrace.cancel_jobs(uuid) is 'Ends the jobs of an upload that have not ended.';
