-- rights.sql -- every component may do its own and nothing else; every object has a comment.
\ir lib/helpers.sql
select pg_temp.check_that(format('%s must not %s %s', r, p, c.oid::regclass), not has_table_privilege(r, c.oid, p))
from unnest(array['receiver', 'router', 'worker', 'keeper', 'reader', 'operator']) x, lateral (select 'millrace_' || x as r) n,
	unnest(array['select', 'insert', 'update', 'delete', 'truncate']) p, pg_class c
where c.relnamespace = 'millrace'::regnamespace and c.relkind in ('r', 'p', 'S')
	and not (c.relkind = 'S' and p not in ('select', 'update')) and c.relkind <> 'S';
select pg_temp.check_that(format('public may execute %s', p.oid::regprocedure), not has_function_privilege('public', p.oid, 'execute'))
from pg_proc p where p.pronamespace = 'millrace'::regnamespace;
select pg_temp.check_that(format('%s has a fixed search path', p.oid::regprocedure), p.proconfig::text like '%search_path=millrace, pg_temp%')
from pg_proc p where p.pronamespace = 'millrace'::regnamespace and p.prosecdef;
select pg_temp.check_that(format('%s writes or reads tables for a component, so it must be security definer', p.oid::regprocedure), p.prosecdef)
from pg_proc p
where p.pronamespace = 'millrace'::regnamespace and has_function_privilege('millrace_worker', p.oid, 'execute')
	and p.proname not in ('trace_text', 'trace_uuid');
select pg_temp.check_that('comment on ' || p.oid::regprocedure, obj_description(p.oid, 'pg_proc') is not null)
from pg_proc p where p.pronamespace = 'millrace'::regnamespace;
select pg_temp.check_that('comment on ' || c.oid::regclass, obj_description(c.oid, 'pg_class') is not null)
from pg_class c where c.relnamespace = 'millrace'::regnamespace and c.relkind in ('r', 'v') and c.relname <> 'migration';

-- The matrix of who may execute what, whole.
select pg_temp.check_equal('worker', (select array_agg(distinct p.proname::text order by p.proname::text) from pg_proc p
	where p.pronamespace = 'millrace'::regnamespace and has_function_privilege('millrace_worker', p.oid, 'execute')),
	array['awake', 'claim_jobs', 'close_session', 'finish_jobs', 'heartbeat', 'on_call', 'open_session', 'reopen_session', 'schema_version', 'sleep_on', 'trace_text', 'trace_uuid', 'wake', 'watch']);
select pg_temp.check_equal('receiver', (select array_agg(distinct p.proname::text order by p.proname::text) from pg_proc p
	where p.pronamespace = 'millrace'::regnamespace and has_function_privilege('millrace_receiver', p.oid, 'execute')),
	array['accept_uploads', 'expect_upload', 'schema_version', 'trace_text', 'trace_uuid', 'wake']);
select pg_temp.check_equal('router', (select array_agg(distinct p.proname::text order by p.proname::text) from pg_proc p
	where p.pronamespace = 'millrace'::regnamespace and has_function_privilege('millrace_router', p.oid, 'execute')),
	array['awake', 'claim_routes', 'close_session', 'expand_uploads', 'heartbeat', 'on_call', 'open_session', 'register_pipeline', 'reopen_session', 'schema_version', 'sleep_on', 'trace_text', 'trace_uuid', 'wake', 'wake_rules', 'watch']);
select pg_temp.check_equal('keeper', (select array_agg(distinct p.proname::text order by p.proname::text) from pg_proc p
	where p.pronamespace = 'millrace'::regnamespace and has_function_privilege('millrace_keeper', p.oid, 'execute')),
	array['admit_all', 'fold_tallies', 'fold_uploads', 'promote_due', 'rescue_workers', 'schema_version', 'sweep_tickets', 'trace_text', 'trace_uuid', 'wake']);
select pg_temp.check_equal('what an operator may do and a reader may not', (select array_agg(distinct p.proname::text order by p.proname::text) from pg_proc p
	where p.pronamespace = 'millrace'::regnamespace and has_function_privilege('millrace_operator', p.oid, 'execute')
		and not has_function_privilege('millrace_reader', p.oid, 'execute')),
	array['cancel_upload', 'pause_kind', 'replay_job', 'wake', 'weigh_group']);
select pg_temp.check_that('a reader traces', has_function_privilege('millrace_reader', 'millrace.trace(text)', 'execute'));
rollback;
