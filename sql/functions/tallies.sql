-- Function:   millrace.tallies()
-- Returns:    the counts of every kind: the folded ones and what came since
-- Changes:    nothing
-- Locks:      none
-- For:        queues_json, scale_metric, the views
create or replace function millrace.tallies()
returns table (kind_no smallint, waiting bigint, queued bigint, running bigint, retrying bigint, done bigint)
language sql stable set search_path = millrace, pg_temp set enable_seqscan = off set enable_bitmapscan = off as $$
	with delta as (
		select d.kind_no, sum(d.waiting) as waiting, sum(d.queued) as queued, sum(d.running) as running,
			sum(d.retrying) as retrying, sum(d.done) as done
		from millrace.tally_delta d
		where d.delta_no > (select f.low from millrace.tally_fold f order by f.gen desc limit 1)
		group by d.kind_no)
	select k.kind_no, greatest(0, coalesce(t.waiting, 0) + coalesce(d.waiting, 0)),
		greatest(0, coalesce(t.queued, 0) + coalesce(d.queued, 0)), greatest(0, coalesce(t.running, 0) + coalesce(d.running, 0)),
		greatest(0, coalesce(t.retrying, 0) + coalesce(d.retrying, 0)), greatest(0, coalesce(t.done, 0) + coalesce(d.done, 0))
	from millrace.kind k
	left join lateral (select * from millrace.tally x where x.kind_no = k.kind_no order by x.gen desc limit 1) t on true
	left join delta d on d.kind_no = k.kind_no
$$;
comment on function millrace.tallies() is 'How many jobs of each kind are in which state, kept, not counted.';
