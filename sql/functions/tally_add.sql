-- Function:   millrace.tally_add(deltas millrace.tally_delta[])
-- Parameters: deltas: one element per kind; delta_no is not used
-- Changes:    tally_delta
-- Locks:      none that another waits for
-- For:        the functions that move jobs
create or replace function millrace.tally_add(deltas millrace.tally_delta[]) returns void
language sql set search_path = millrace, pg_temp as $$
	insert into millrace.tally_delta (kind_no, waiting, queued, running, retrying, done)
	select d.kind_no, sum(d.waiting), sum(d.queued), sum(d.running), sum(d.retrying), sum(d.done)
	from unnest(deltas) d
	group by d.kind_no
$$;
comment on function millrace.tally_add(millrace.tally_delta[]) is 'Records what a call changed in the counts.';
