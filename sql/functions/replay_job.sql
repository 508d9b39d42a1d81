-- Function:   millrace.replay_job(job text, who text, why text)
-- Parameters: job: trace_…/step; trace_…/route routes an upload again that was rejected or could not be routed
-- Returns:    (outcome, reply, wake): replayed, not_found or not_dead; reply: {job_id, state, generation}
-- Changes:    dead_job, job, ticket, upload, rejected, audit, tally_delta: the job, and what was skipped because of it; nothing else
-- Locks:      the upload, as lock_uploads
-- For:        C, the operator
create or replace function millrace.replay_job(job text, who text, why text)
returns table (outcome text, reply jsonb, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	wanted constant uuid := millrace.trace_uuid(split_part(replay_job.job, '/', 1));
	step_name constant text := split_part(replay_job.job, '/', 2);
	u millrace.upload;
	j millrace.job;
begin
	wake := '{}';
	perform millrace.lock_uploads(array[wanted], false);
	select * into u from millrace.upload x where x.id = wanted;
	if not found then
		return query select 'not_found', null::jsonb, '{}'::smallint[];
		return;
	end if;
	if step_name = 'route' then
		return query select * from millrace.replay_route(u, replay_job.who, replay_job.why);
		return;
	end if;
	select x.* into j from millrace.job x
	join millrace.pipeline_step s on s.pipeline_no = u.pipeline_no and s.step_no = x.step_no
	where x.upload_id = u.id and s.step = step_name;
	if not found then
		return query select 'not_found', null::jsonb, '{}'::smallint[];
		return;
	end if;
	if j.state <> 'failed' then
		return query select 'not_dead', jsonb_build_object('job_id', replay_job.job, 'state', j.state,
			'generation', j.generation), '{}'::smallint[];
		return;
	end if;

	delete from millrace.dead_job d where d.upload_id = j.upload_id and d.step_no = j.step_no;
	perform millrace.revive(u, j);
	insert into millrace.audit (who, action, subject, why)
	values (replay_job.who, 'replay', millrace.trace_text(u.id) || '/' || step_name, replay_job.why);
	return query select 'replayed', jsonb_build_object('job_id', millrace.trace_text(u.id) || '/' || step_name,
		'state', 'queued', 'generation', j.generation + 1), array[j.kind_no];
end
$$;
comment on function millrace.replay_job(text, text, text) is 'Runs one dead job again, and what was skipped because of it.';
