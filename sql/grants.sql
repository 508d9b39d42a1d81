-- grants.sql -- each component may execute its own functions and touch no table; nothing is left to public.
do $$
declare
	component text;
begin
	foreach component in array array['receiver', 'router', 'worker', 'keeper', 'reader', 'operator'] loop
		if not exists (select from pg_roles where rolname = 'millrace_' || component) then
			begin
				execute format('create role %I nologin', 'millrace_' || component);
			exception when duplicate_object or unique_violation then
				-- Roles are the cluster's: another database's migration was quicker.
				null;
			end;
		end if;
	end loop;
end
$$;

revoke all on schema millrace from public;
revoke all on all tables in schema millrace from public;
revoke all on all sequences in schema millrace from public;
revoke all on all functions in schema millrace from public;

grant usage on schema millrace to millrace_receiver, millrace_router, millrace_worker, millrace_keeper, millrace_reader, millrace_operator;
grant execute on function millrace.schema_version(), millrace.trace_text(uuid), millrace.trace_uuid(text)
	to millrace_receiver, millrace_router, millrace_worker, millrace_keeper, millrace_reader, millrace_operator;
grant execute on function millrace.wake(smallint[])
	to millrace_receiver, millrace_router, millrace_worker, millrace_keeper, millrace_operator;

grant execute on function millrace.accept_uploads(text[], bytea[], jsonb), millrace.expect_upload(uuid, text, text, text)
	to millrace_receiver;

grant execute on function millrace.open_session(text, text, text, text[], integer),
	millrace.heartbeat(bigint, smallint[], smallint[], bigint[], bigint[]),
	millrace.reopen_session(bigint, text, text, text, text[], integer, smallint[], smallint[], bigint[]),
	millrace.close_session(bigint), millrace.sleep_on(smallint[], boolean), millrace.on_call(smallint[]), millrace.watch(smallint[]), millrace.awake()
	to millrace_router, millrace_worker;
grant execute on function millrace.claim_routes(bigint, integer, smallint[], bigint[], integer),
	millrace.expand_uploads(bigint, integer, smallint[], bigint[], uuid[], text[], smallint[], jsonb[], bigint[]), millrace.wake_rules(integer, smallint[]),
	millrace.register_pipeline(text, jsonb)
	to millrace_router;
grant execute on function millrace.claim_jobs(bigint, smallint, integer, smallint[], bigint[], integer),
	millrace.finish_jobs(bigint, smallint[], smallint[], bigint[], uuid[], smallint[], text[], bigint[], bigint[], jsonb[], bigint[])
	to millrace_worker;

grant execute on function millrace.rescue_workers(bigint), millrace.sweep_tickets(), millrace.promote_due(integer),
	millrace.fold_tallies(), millrace.fold_uploads(bigint), millrace.admit_all()
	to millrace_keeper;

grant execute on function millrace.trace(text), millrace.why(text), millrace.trace_json(text), millrace.search_json(text),
	millrace.queues_json(), millrace.workers_json(), millrace.recent_json(integer), millrace.dead_json(text, integer),
	millrace.scale_metric(text), millrace.queue_rows(), millrace.worker_rows(), millrace.dead_rows(),
	millrace.job_status(millrace.job_state, bigint)
	to millrace_reader, millrace_operator;
grant select on millrace.queue, millrace.jobs, millrace.uploads, millrace.dead, millrace.workers to millrace_reader, millrace_operator;
grant execute on function millrace.replay_job(text, text, text), millrace.pause_kind(text, boolean, text, text),
	millrace.weigh_group(text, text, integer, text, text), millrace.cancel_upload(text, text, text) to millrace_operator;
