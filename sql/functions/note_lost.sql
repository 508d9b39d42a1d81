-- Function:   millrace.note_lost(p_session bigint, moved millrace.finish_row[])
-- Parameters: moved: tickets of a dead session that are free again
-- Changes:    attempt, job, and what end_lost and end_lost_routes change: a lost try has a row, does not count as an error, and the next try has a new number
-- Locks:      none beyond the caller's
-- For:        give_back
create or replace function millrace.note_lost(p_session bigint, moved millrace.finish_row[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
	insert into millrace.attempt (upload_id, step_no, attempt, generation, session, worker, claimed_at, started_at, finished_at,
		outcome, error_class, error)
	select m.upload_id, m.step_no, m.attempt, j.generation, p_session, w.worker, m.claimed_at, m.claimed_at, clock_timestamp(),
		'lost', 'lost', 'The worker fell silent; the job went to another.'
	from unnest(moved) m
	join millrace.job j on j.upload_id = m.upload_id and j.step_no = m.step_no
	cross join lateral (select x.worker from millrace.worker x where x.session = p_session order by x.gen desc limit 1) w
	on conflict do nothing;

	update millrace.job j set losses = losses + 1, tries = greatest(tries, m.attempt)
	from unnest(moved) m
	where j.upload_id = m.upload_id and j.step_no = m.step_no;

	update millrace.ticket t set attempt = j.tries + 1
	from unnest(moved) m join millrace.job j on j.upload_id = m.upload_id and j.step_no = m.step_no
	where t.kind_no = j.kind_no and t.class = j.class and t.position = j.position;

	perform millrace.end_lost(moved);
	perform millrace.end_lost_routes(moved);
end
$$;
comment on function millrace.note_lost(bigint, millrace.finish_row[]) is 'Records tries that were lost with their worker.';
