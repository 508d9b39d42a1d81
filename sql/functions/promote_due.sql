-- Function:   millrace.promote_due(max int)
-- Parameters: max: the most to promote in one call
-- Returns:    one row: how many became tickets, in how many ms the next is due (at most 1,000), and the kinds to wake
-- Changes:    delayed, ticket, job (retrying to queued), tally_delta
-- Locks:      the duty's advisory lock; uploads by id, then the rest
-- For:        C, the keeper
create or replace function millrace.promote_due(max integer) returns table (done bigint, next_ms bigint, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	due millrace.delayed[];
	jobs millrace.job[];
begin
	done := 0;
	next_ms := 1000;
	wake := '{}';
	if not pg_try_advisory_xact_lock(1298, 3) then
		return next;
		return;
	end if;
	select coalesce(array_agg(d::millrace.delayed), '{}') into due
	from (select * from millrace.delayed x where x.due_at <= clock_timestamp() order by x.due_at limit promote_due.max) d;

	if cardinality(due) > 0 then
		perform from millrace.upload u where u.id in (select g.upload_id from unnest(due) g) order by u.id for no key update;
		with gone as (
			delete from millrace.delayed d using unnest(due) g
			where d.due_at = g.due_at and d.upload_id = g.upload_id and d.step_no = g.step_no
			returning d.*)
		select coalesce(array_agg(g::millrace.delayed order by g.due_at), '{}') into due from gone g;

		-- Routings have no job.
		insert into millrace.ticket (kind_no, class, attempt, step_no, upload_id)
		select g.kind_no, g.class, g.attempt, g.step_no, g.upload_id from unnest(due) g where g.step_no = 0 order by g.due_at;
		with moved as (
			update millrace.job j set state = 'queued', position = nextval('millrace.ticket_position')
			from unnest(due) g
			where g.step_no <> 0 and j.upload_id = g.upload_id and j.step_no = g.step_no
			returning j.*)
		select array_agg(m::millrace.job order by m.position) into jobs from moved m;
		perform millrace.enqueue(coalesce(jobs, '{}'));

		insert into millrace.tally_delta (kind_no, retrying, queued)
		select g.kind_no, -count(*), count(*) from unnest(due) g group by g.kind_no;
		select count(*), coalesce(array_agg(distinct g.kind_no), '{}') into done, wake from unnest(due) g;
	end if;

	select least(1000, greatest(0, ceil(extract(epoch from x.due_at - clock_timestamp()) * 1000)))::bigint into next_ms
	from millrace.delayed x order by x.due_at limit 1;
	next_ms := coalesce(next_ms, 1000);
	return next;
end
$$;
comment on function millrace.promote_due(integer) is 'Turns what has become due into tickets.';
