-- Function:   millrace.note_lost(p_session bigint, moved millrace.finish_row[])
-- Parameters: moved: tickets of a dead session that are free again
-- Changes:    attempt, job, ticket, kind_class, and what end_lost and end_lost_routes change: a lost try has a row, does not count as an error, and the
--             next try has a new number and runs alone. Only what was alone when it was lost counts a crash
-- Locks:      none beyond the caller's
-- For:        give_back
create or replace function millrace.note_lost(p_session bigint, moved millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
	alone constant boolean := cardinality(moved) = 1;
begin
	insert into millrace.attempt (upload_id, step_no, attempt, generation, session, worker, claimed_at, started_at, finished_at,
		outcome, error_class, error)
	select m.upload_id, m.step_no, m.attempt, j.generation, p_session, w.worker, m.claimed_at, m.claimed_at, clock_timestamp(),
		'lost', 'lost', 'The worker fell silent; the job went to another.'
	from unnest(moved) m
	cross join lateral (select x.generation from millrace.job x
		where x.upload_id = m.upload_id and x.step_no = m.step_no offset 0) j
	cross join lateral (select x.worker from millrace.worker x where x.session = p_session order by x.gen desc limit 1) w
	on conflict do nothing;

	-- All that the worker held are suspects from here on; guilty is only what was alone.
	perform millrace.use_class(m.kind_no, (16 + m.class % 16)::smallint) from (select distinct x.kind_no, x.class from unnest(moved) x order by 1, 2) m;
	update millrace.job j set losses = losses + 1, crashes = crashes + alone::integer, tries = greatest(tries, m.attempt),
		class = 16 + m.class % 16
	from (
		select g.*, (select x.ctid from millrace.job x where x.upload_id = g.upload_id and x.step_no = g.step_no) as row_at
		from unnest(moved) g
		offset 0) m
	where j.ctid = m.row_at;

	update millrace.ticket t set class = 16 + m.class % 16,
		attempt = coalesce((select j.tries + 1 from millrace.job j where j.upload_id = m.upload_id and j.step_no = m.step_no), t.attempt)
	from (
		select g.*, (select x.ctid from millrace.ticket x
			where x.kind_no = g.kind_no and x.class = g.class and x.position = g.position) as row_at
		from unnest(moved) g
		offset 0) m
	where t.ctid = m.row_at;

	if alone then
		moved[1].class := 16 + moved[1].class % 16;
		perform millrace.end_lost(moved);
		perform millrace.end_lost_routes(moved);
	end if;
end
$$;
comment on function millrace.note_lost(bigint, millrace.finish_row[]) is 'Records tries that were lost with their worker.';
