-- Function:   millrace.replay_route(u millrace.upload, who text, why text)
-- Returns:    as replay_job
-- Changes:    upload, ticket, rejected, dead_job, audit, tally_delta: routed again by the pipeline of now
-- Locks:      none beyond the caller's: it holds the upload
-- For:        replay_job
create or replace function millrace.replay_route(u millrace.upload, who text, why text)
returns table (outcome text, reply jsonb, wake smallint[])
language plpgsql set search_path = millrace, pg_temp as $$
#variable_conflict use_column
begin
	if u.key is null or not (u.state = 'rejected'
		or u.state = 'failed' and exists (select from millrace.dead_job d where d.upload_id = u.id and d.step_no = 0)) then
		return query select 'not_dead', jsonb_build_object('job_id', millrace.trace_text(u.id) || '/route', 'state', u.state,
			'generation', u.generation), '{}'::smallint[];
		return;
	end if;
	delete from millrace.rejected r where r.upload_id = u.id;
	delete from millrace.dead_job d where d.upload_id = u.id and d.step_no = 0;
	update millrace.upload x set state = 'accepted', finished_at = null, reason = null, detail = null, route_errors = 0, route_crashes = 0,
		generation = x.generation + 1
	where x.id = u.id;
	insert into millrace.audit (who, action, subject, why)
	values (replay_route.who, 'replay', millrace.trace_text(u.id) || '/route', replay_route.why);
	insert into millrace.ticket (kind_no, class, attempt, step_no, upload_id) values (1, 4, u.route_attempts + 1, 0, u.id);
	insert into millrace.tally_delta (kind_no, queued) values (1, 1);
	return query select 'replayed', jsonb_build_object('job_id', millrace.trace_text(u.id) || '/route', 'state', 'accepted',
		'generation', u.generation + 1), '{1}'::smallint[];
end
$$;
comment on function millrace.replay_route(millrace.upload, text, text) is 'Routes an upload again.';
