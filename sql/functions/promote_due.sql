-- Function:   millrace.promote_due(max int)
-- Parameters: max: the most to promote in one call, 500 at most
-- Returns:    one row: how many became tickets, in how many ms the next is due (at most 1,000), and the kinds to wake
-- Changes:    delayed, due_mark, ticket, job (retrying to queued), tally_delta
-- Locks:      the duty's advisory lock; then as lock_uploads, then the rest: who holds an upload may take away what waits here
-- For:        C, the keeper. It starts above a mark and never walks what was promoted, so that an old snapshot does not slow it down
create or replace function millrace.promote_due(max integer) returns table (done bigint, next_ms bigint, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	due millrace.delayed[];
	jobs millrace.job[];
	last millrace.delayed;
	m millrace.due_mark;
	most constant integer := least(promote_due.max, 500);
	settled boolean;
	more boolean;
begin
	done := 0;
	next_ms := 1000;
	wake := '{}';
	if not pg_try_advisory_xact_lock(1298, 3) then
		return next;
		return;
	end if;
	select * into m from millrace.due_mark x order by x.gen desc limit 1;
	settled := m.closes <= pg_snapshot_xmin(pg_current_snapshot());
	-- In a statement after that, so that it sees all that those who have ended left.
	select coalesce(array_agg(d::millrace.delayed order by d.due_at, d.delayed_no), '{}') into due
	from (
		select * from millrace.delayed x
		where (x.due_at, x.delayed_no) > (m.low_at, m.low_no) and x.due_at <= greatest(clock_timestamp(), m.next_at)
		order by x.due_at, x.delayed_no limit most) d;
	more := cardinality(due) = most;
	last := due[cardinality(due)];

	if cardinality(due) > 0 then
		perform millrace.lock_uploads(array(select g.upload_id from unnest(due) g), false);
		-- Each by itself: without statistics all that waits would be compared with all of the batch.
		with gone as (
			delete from millrace.delayed d
			using (
				select (select x.ctid from millrace.delayed x where x.due_at = g.due_at and x.delayed_no = g.delayed_no) as place
				from unnest(due) g
				offset 0) g
			where d.ctid = g.place
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

	perform millrace.store_due_mark(m, settled, last, more);

	select least(1000, greatest(0, ceil(extract(epoch from x.due_at - clock_timestamp()) * 1000)))::bigint into next_ms
	from millrace.delayed x
	where (x.due_at, x.delayed_no) > (coalesce(last.due_at, m.low_at), coalesce(last.delayed_no, m.low_no))
	order by x.due_at, x.delayed_no limit 1;
	next_ms := coalesce(next_ms, 1000);
	return next;
end
$$;
comment on function millrace.promote_due(integer) is 'Turns what has become due into tickets.';
