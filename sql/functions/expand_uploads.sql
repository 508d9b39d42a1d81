-- Function:   millrace.expand_uploads(session bigint, pipeline_no int, classes smallint[], positions bigint[], upload_ids uuid[],
--             outcomes text[], rule_nos smallint[], details jsonb[], grants bigint[])
-- Parameters: parallel arrays, one element per upload: expand by rule_no, rejected, ignored, source_gone, superseded, retry, interrupted;
--             details: reason, detail, what was learnt from the store, delay_ms (sql/README.md); grants: those wholly finished
-- Returns:    (n, wake) for each upload that the session still held; of one that is missing the lease was lost, and nothing was changed for it
-- Changes:    ticket, upload, job, rejected, delayed, dead_job, lease_grant, tally_delta
-- Locks:      as lock_uploads, then tickets
-- For:        C, the router
create or replace function millrace.expand_uploads(session bigint, pipeline_no integer, classes smallint[], positions bigint[],
	upload_ids uuid[], outcomes text[], rule_nos smallint[], details jsonb[], grants bigint[])
returns table (n integer, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
	list millrace.route_row[];
	kinds smallint[];
begin
	perform millrace.lock_uploads(upload_ids, false);

	with gone as (
		delete from millrace.ticket t
		using (
			select g.*, (select k.ctid from millrace.ticket k
				where k.kind_no = 1 and k.class = g.class and k.position = g.position) as at
			from unnest(classes, positions, upload_ids) with ordinality g (class, position, upload_id, ord)
			offset 0) g
		where t.ctid = g.at and t.session = expand_uploads.session and t.upload_id = g.upload_id
		returning g.ord, t.*)
	select coalesce(array_agg(row(g.ord, g.class, g.position, g.upload_id, g.attempt, outcomes[g.ord], rule_nos[g.ord],
		details[g.ord])::millrace.route_row order by g.upload_id), '{}')
	into list from gone g;

	list := millrace.route_judge(list);
	perform millrace.route_uploads(expand_uploads.pipeline_no, list);
	kinds := millrace.make_jobs(expand_uploads.pipeline_no, list);
	kinds := kinds || millrace.route_again(list);
	delete from millrace.lease_grant g where g.session = expand_uploads.session and g.grant_no = any (grants);

	insert into millrace.tally_delta (kind_no, running, queued, retrying, done)
	select 1, -count(*), count(*) filter (where f.outcome = 'interrupted'), count(*) filter (where f.outcome = 'retry'),
		count(*) filter (where f.outcome not in ('interrupted', 'retry', 'failed'))
	from unnest(list) f
	having count(*) > 0;

	return query select f.n - 1, kinds from unnest(list) f;
end
$$;
comment on function millrace.expand_uploads(bigint, integer, smallint[], bigint[], uuid[], text[], smallint[], jsonb[], bigint[])
	is 'Routes uploads: makes their jobs, or records why there are none, in one transaction.';
