-- Function:   millrace.fold_tallies()
-- Returns:    one row: how many deltas were folded; no kinds to wake
-- Changes:    tally_delta, tally, tally_minute, tally_fold
-- Locks:      the duty's advisory lock
-- For:        C, the keeper, in a transaction of its own. Deltas are found above a low-water number, never from the start, so that dead ones under an old snapshot are
--             not walked; the number moves once every transaction has ended that had an xid before this one.
--             Whoever took a smaller one had its own by then
create or replace function millrace.fold_tallies() returns table (done bigint, wake smallint[])
language plpgsql security definer set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
#variable_conflict use_column
declare
	last millrace.tally_fold;
	gone millrace.tally_delta[];
	low bigint;
begin
	done := 0;
	wake := '{}';
	if not pg_try_advisory_xact_lock(1298, 4) then
		return next;
		return;
	end if;
	select * into last from millrace.tally_fold x order by x.gen desc limit 1;
	low := case when last.closes <= pg_snapshot_xmin(pg_current_snapshot()) then last.high else last.low end;

	with deleted as (delete from millrace.tally_delta d where d.delta_no > last.low returning d.*)
	select coalesce(array_agg(d::millrace.tally_delta), '{}') into gone from deleted d;
	done := cardinality(gone);

	with sums as (
		select g.kind_no, sum(g.waiting) as waiting, sum(g.queued) as queued, sum(g.running) as running,
			sum(g.retrying) as retrying, sum(g.done) as done
		from unnest(gone) g group by g.kind_no),
	fresh as (
		insert into millrace.tally
		select s.kind_no, coalesce(t.gen, 0) + 1, coalesce(t.waiting, 0) + s.waiting, coalesce(t.queued, 0) + s.queued,
			coalesce(t.running, 0) + s.running, coalesce(t.retrying, 0) + s.retrying, coalesce(t.done, 0) + s.done
		from sums s
		left join lateral (select * from millrace.tally x where x.kind_no = s.kind_no order by x.gen desc limit 1) t on true
		returning tally.kind_no, tally.gen)
	delete from millrace.tally t using fresh f where t.kind_no = f.kind_no and t.gen = f.gen - 1;

	insert into millrace.tally_minute as m
	select date_trunc('minute', clock_timestamp()), g.kind_no, sum(g.done) from unnest(gone) g
	group by g.kind_no having sum(g.done) > 0
	on conflict (minute, kind_no) do update set done = m.done + excluded.done;
	-- Now and then, so that it is not walked each second what an old snapshot keeps.
	if random() < 0.01 then
		delete from millrace.tally_minute m where m.minute < clock_timestamp() - interval '1 day';
	end if;

	if done > 0 or low > last.low then
		-- A range is being waited for until it closes; only then is the next one noted.
		insert into millrace.tally_fold
		select last.gen + 1, low,
			case when low = last.low and last.high > last.low then last.high
				else greatest(last.high, (select coalesce(max(g.delta_no), 0) from unnest(gone) g)) end,
			case when low = last.low and last.high > last.low then last.closes else pg_current_xact_id() end;
		delete from millrace.tally_fold x where x.gen = last.gen;
	end if;
	return next;
end
$$;
comment on function millrace.fold_tallies() is 'Folds the changes of counts into the counts.';
