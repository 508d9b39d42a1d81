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
	kinds smallint[] := '{}';
	expanded integer;
	queued integer;
	retrying integer;
	failed integer;
begin
	perform millrace.lock_uploads(upload_ids, false);

	-- The fence; and what becomes of each: an older write that comes late is superseded, a retry past its limit has failed.
	with gone as (
		delete from millrace.ticket t
		using (
			select g.*, (select k.ctid from millrace.ticket k
				where k.kind_no = 1 and k.class = g.class and k.position = g.position) as at
			from unnest(classes, positions, upload_ids) with ordinality g (class, position, upload_id, ord)
			offset 0) g
		where t.ctid = g.at and t.session = expand_uploads.session and t.upload_id = g.upload_id
		returning g.ord, t.class, t.position, t.upload_id, t.attempt),
	found as (
		select g.*, (select u from millrace.upload u where u.id = g.upload_id) as u
		from gone g
		offset 0),
	judged as (
		select f.*, case
			when outcomes[f.ord] = 'expand' and exists (select from millrace.upload x
				where x.object_hash = (f.u).object_hash and x.store = (f.u).store and x.id <> f.upload_id
					and x.state not in ('expected', 'rejected', 'expired') and millrace.is_newer(x, f.u)) then 'superseded'
			when outcomes[f.ord] = 'retry' and (f.u).route_errors + 1 >= 10 then 'failed'
			else outcomes[f.ord] end as outcome
		from found f)
	select coalesce(array_agg(row(j.ord, j.class, j.position, j.upload_id, j.attempt, (j.u).lane, j.outcome, rule_nos[j.ord],
			details[j.ord])::millrace.route_row), '{}'),
		count(*) filter (where j.outcome = 'expand'), count(*) filter (where j.outcome = 'interrupted'),
		count(*) filter (where j.outcome = 'retry'), count(*) filter (where j.outcome = 'failed')
	into list, expanded, queued, retrying, failed
	from judged j;

	perform millrace.route_uploads(expand_uploads.pipeline_no, list);
	if expanded > 0 then
		kinds := millrace.make_jobs(expand_uploads.pipeline_no, list);
	end if;
	if expanded < cardinality(list) then
		kinds := kinds || millrace.end_routes(list);
	end if;
	delete from millrace.lease_grant g where g.session = expand_uploads.session and g.grant_no = any (grants);
	insert into millrace.tally_delta (kind_no, running, queued, retrying, done)
	values (1, -cardinality(list), queued, retrying, cardinality(list) - queued - retrying - failed);

	return query select f.n - 1, kinds from unnest(list) f;
end
$$;
comment on function millrace.expand_uploads(bigint, integer, smallint[], bigint[], uuid[], text[], smallint[], jsonb[], bigint[])
	is 'Routes uploads: makes their jobs, or records why there are none, in one transaction.';
