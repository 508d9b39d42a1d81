-- Function:   millrace.finish_jobs(session bigint, kind_nos smallint[], classes smallint[], positions bigint[], upload_ids uuid[],
--             step_nos smallint[], outcomes text[], ran_ms bigint[], delay_ms bigint[], details jsonb[], grants bigint[])
-- Parameters: parallel arrays, one element per job; grants: those wholly finished with this call
-- Returns:    (n, verdict, wake) per job: accepted, retry, dead, or stale: the lease was lost and nothing was changed for it
-- Changes:    ticket, job, attempt, output, delayed, dead_job, upload, lease_grant, tally_delta
-- Locks:      uploads by id, then tickets, then jobs
-- For:        C, the worker
create or replace function millrace.finish_jobs(session bigint, kind_nos smallint[], classes smallint[], positions bigint[],
	upload_ids uuid[], step_nos smallint[], outcomes text[], ran_ms bigint[], delay_ms bigint[], details jsonb[], grants bigint[])
returns table (n integer, verdict text, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
	list millrace.finish_row[];
	kinds smallint[];
begin
	perform from millrace.upload u where u.id = any (upload_ids) order by u.id for no key update;

	-- The fence: only a ticket that this session still holds is finished.
	with gone as (
		delete from millrace.ticket t
		using (
			select g.*, (select k.ctid from millrace.ticket k
				where k.kind_no = g.kind_no and k.class = g.class and k.position = g.position) as at
			from unnest(kind_nos, classes, positions, upload_ids, step_nos) with ordinality
				g (kind_no, class, position, upload_id, step_no, ord)
			offset 0) g
		where t.ctid = g.at and t.session = finish_jobs.session and t.upload_id = g.upload_id and t.step_no = g.step_no
		returning g.ord, t.*)
	select coalesce(array_agg(row(g.ord, g.kind_no, g.class, g.position, g.upload_id, g.step_no, g.attempt, g.claimed_at,
		outcomes[g.ord], ran_ms[g.ord], delay_ms[g.ord], details[g.ord], null, null, null)::millrace.finish_row
		order by g.upload_id, g.step_no), '{}')
	into list from gone g;

	list := millrace.judge(list);
	perform millrace.record_attempts(finish_jobs.session, list);
	perform millrace.move_jobs(list);
	kinds := millrace.settle(list) || array(select distinct f.kind_no from unnest(list) f where f.next_state = 'queued');
	delete from millrace.lease_grant g where g.session = finish_jobs.session and g.grant_no = any (grants);

	perform millrace.tally_add(array_agg(millrace.tally_of(s.kind_no, d_running => -s.all_of_them, d_queued => s.queued,
		d_retrying => s.retrying, d_done => s.done)))
	from (
		select f.kind_no, count(*) as all_of_them, count(*) filter (where f.next_state = 'queued') as queued,
			count(*) filter (where f.next_state = 'retrying') as retrying,
			count(*) filter (where f.next_state = 'done') as done
		from unnest(list) f group by f.kind_no
	) s
	having count(*) > 0;

	return query
	select g.ord::integer - 1,
		case when f.n is null then 'stale'
			when f.next_state in ('queued', 'retrying') then 'retry'
			when f.next_state = 'failed' then 'dead'
			else 'accepted' end,
		kinds
	from generate_subscripts(positions, 1) g (ord) left join unnest(list) f on f.n = g.ord
	order by g.ord;
end
$$;
comment on function millrace.finish_jobs(bigint, smallint[], smallint[], bigint[], uuid[], smallint[], text[], bigint[], bigint[], jsonb[], bigint[])
	is 'Finishes tries: results, retries, deaths, and what follows from them, in one transaction.';
