-- claims.sql -- what a claim hands out, the grants that name it, and what a heartbeat and a sleeper leave.
\ir lib/helpers.sql
select pg_temp.pipeline('[{"step": "a", "kind": "ka", "params": {"dpi": 300}}]', '{"ka": {"timeout_s": 7}}') as pipe \gset
select pg_temp.session('route') as r \gset
select kind_no as ka from millrace.kind where name = 'ka' \gset
create function pg_temp.grants(session bigint) returns bigint language sql as $$
	select count(*) from millrace.lease_grant g where g.session = grants.session
$$;

-- All that the router and the worker need to know.
do $$ begin perform pg_temp.accept(pg_temp.event('a/ü.pdf', '{"version_id": "v1", "size": -1, "metadata": {"team": "red"}}')); end $$;
select grant_no as g, class as c, pos as p, upload_id as u,
	row(attempt, store, bucket, key, version_id, etag, size, content_type, metadata)::text as told
from millrace.claim_routes(:r, 1, '{}', '{}') \gset
select pg_temp.check_equal('the router', :'told'::text, '(1,s3,b,a/ü.pdf,v1,e,-1,,"{""team"": ""red""}")');
select pg_temp.check_equal('a grant', pg_temp.grants(:r), 1::bigint);
select count(*) from millrace.expand_uploads(:r, :pipe, array[:c]::smallint[], array[:p]::bigint[], array[:'u']::uuid[], '{expand}', '{0}',
	'{"{\"sniffed_type\": \"application/pdf\", \"content_type\": \"text/plain\", \"size\": 77, \"client_trace_id\": \"theirs\"}"}', array[:g]::bigint[]);
select pg_temp.check_equal('is gone with the upload', pg_temp.grants(:r), 0::bigint);
select pg_temp.check_equal('what the router learnt', (select row(size, content_type, sniffed_type, client_trace_id, route_attempts)::text from millrace.upload where id = :'u'),
	'(77,text/plain,application/pdf,theirs,1)');
select pg_temp.session('ka') as w \gset
select grant_no as g, class as c, pos as p,
	row(attempt, store, bucket, key, version_id, etag, size, content_type, step, kind, params, timeout_ms)::text as told
from millrace.claim_jobs(:w, :ka::smallint, 1, '{}', '{}') \gset
select pg_temp.check_equal('the worker', :'told'::text, '(1,s3,b,a/ü.pdf,v1,e,77,application/pdf,a,ka,"{""dpi"": 300}",7000)');
select pg_temp.check_equal('a stranger ends nothing', (select count(*) from millrace.finish_jobs(:r, array[:ka]::smallint[], array[:c]::smallint[], array[:p]::bigint[],
	array[:'u']::uuid[], '{1}', '{done}', '{1}', '{null}', array[null]::jsonb[], array[:g]::bigint[])), 0::bigint);
select pg_temp.check_equal('nor the holder what is not at that place', (select count(*) from millrace.finish_jobs(:w, array[:ka]::smallint[], array[:c]::smallint[], array[:p]::bigint[],
	array[gen_random_uuid()], '{1}', '{done}', '{1}', '{null}', array[null]::jsonb[], '{}')), 0::bigint);
select pg_temp.check_equal('the grant is there still', pg_temp.grants(:w), 1::bigint);
select pg_temp.check_equal('the holder does', (select count(*) from millrace.finish_jobs(:w, array[:ka]::smallint[], array[:c]::smallint[], array[:p]::bigint[],
	array[:'u']::uuid[], '{1}', '{done}', '{1}', '{null}', '{"{\"cpu_ms\": 1, \"rss_kb\": 2, \"bytes_in\": 3, \"bytes_out\": 4, \"stage\": \"put\", \"tail\": \"t\", \"input_version\": \"v1\", \"handler_digest\": \"d\"}"}',
	array[:g]::bigint[])), 1::bigint);
select pg_temp.check_equal('and its grant is gone', pg_temp.grants(:w), 0::bigint);
select pg_temp.check_equal('what the try took', (select row(cpu_ms, rss_kb, bytes_in, bytes_out, stage, tail, input_version, handler_digest)::text from millrace.attempt), '(1,2,3,4,put,t,v1,d)');

-- What a try left that did not succeed is no output.
do $$ begin perform pg_temp.accept(pg_temp.event('o')); end $$;
select pg_temp.route(:r, :pipe);
select pg_temp.finish(:w, 'ka', 'permanent', '{"outputs": [{"name": "t", "uri": "s3://r/t", "size": 3, "sha256": "00"}]}');
select pg_temp.check_equal('no output', (select count(*) from millrace.output), 0::bigint);

-- A try that never started has no row, one that did has.
do $$ begin perform pg_temp.accept(pg_temp.event('i')); end $$;
select pg_temp.route(:r, :pipe);
create function pg_temp.interrupt(session bigint, ran bigint) returns void language sql as $$
	select from millrace.kind k, lateral millrace.claim_jobs(session, k.kind_no, 1, '{}', '{}') c, lateral millrace.finish_jobs(session,
		array[k.kind_no], array[c.class], array[c.pos], array[c.upload_id], array[c.step_no], '{interrupted}', array[ran], '{null}', array[null]::jsonb[], '{}')
	where k.name = 'ka'
$$;
select pg_temp.interrupt(:w, null);
select pg_temp.check_equal('never started', (select count(*) from millrace.attempt where outcome = 'interrupted'), 0::bigint);
select pg_temp.interrupt(:w, 5);
select pg_temp.check_equal('started', (select count(*) from millrace.attempt where outcome = 'interrupted'), 1::bigint);
select pg_temp.check_equal('both are counted', (select interrupts || ' ' || tries || ' ' || errors from millrace.job where finished_at = 'infinity'), '2 1 0');
select count(*) from millrace.claim_jobs(:w, :ka::smallint, 1, '{}', '{}');
select millrace.close_session(:w);
select pg_temp.check_equal('and what a leaving worker hands back', (select interrupts || ' ' || tries from millrace.job where finished_at = 'infinity'), '3 1');
select pg_temp.check_equal('without a grant', pg_temp.grants(:w), 0::bigint);

-- Names to numbers, in the order given.
select millrace.kind_numbers('{zz,ka,aa,zz}')::text as numbers \gset
select pg_temp.check_equal('in order', (select array_agg(k.name order by g.ord) from unnest(:'numbers'::smallint[]) with ordinality g (no, ord)
	join millrace.kind k on k.kind_no = g.no), '{zz,ka,aa,zz}'::text[]);
select pg_temp.check_equal('the classes of a new kind', (select array_agg(c.class order by c.class) from millrace.kind_class c join millrace.kind k using (kind_no)
	where k.name = 'zz'), '{0,4}'::smallint[]);

-- A heartbeat: the time, the marks that only move ahead, the grants, and a new row now and then.
select session as w, kind_nos[1] as ka from millrace.open_session('pod', 'node', '1.2', '{ka}', 5) \gset
select pg_temp.check_equal('as it says', (select row(worker, host, version, slots, gen)::text from millrace.worker where session = :w), '(pod,node,1.2,5,1)');
update millrace.worker set seen_at = now() - interval '1 h' where session = :w;
select grant_no as g from millrace.claim_jobs(:w, :ka::smallint, 1, '{}', '{}') \gset
select millrace.heartbeat(:w, array[:ka, :ka]::smallint[], '{0,4}', '{1000000,5}', array[:g]::bigint[]);
select pg_temp.check_that('seen', (select seen_at >= now() from millrace.worker where session = :w));
select pg_temp.check_equal('the grant is gone', pg_temp.grants(:w), 0::bigint);
select millrace.heartbeat(:w, array[:ka]::smallint[], '{0}', '{999}', '{}');
select pg_temp.check_equal('ahead only, and each class by itself', (select array_agg(class || ':' || position order by class) from millrace.mark where kind_no = :ka), '{0:1000000,4:5}');
select pg_temp.check_equal('as claims read it', array[millrace.mark_of(:ka::smallint, 0::smallint), millrace.mark_of(:ka::smallint, 4::smallint)], '{1000000,5}');
do $$ declare w bigint := (select session from millrace.worker where worker = 'pod'); begin
	for i in 1..70 loop perform millrace.heartbeat(w, '{}', '{}', '{}', '{}'); end loop;
end $$;
select pg_temp.check_equal('one row, of a later generation', (select row(count(*), min(gen) > 1, max(slots), max(host), max(worker))::text from millrace.worker where session = :w), '(1,t,5,node,pod)');
insert into millrace.worker select session, gen + 1, 0, slots + 1, seen_at, started_at, kind_nos, worker, host, version from millrace.worker;
select pg_temp.check_equal('the newest row of each session', (select array_agg(slots order by slots) from millrace.sessions()), '{6,9}');
insert into millrace.mark select kind_no, class, gen + 1, position + 1, noted, swept, closes from millrace.mark where kind_no = :ka and class = 4;
select pg_temp.check_equal('and of each mark', millrace.mark_of(:ka::smallint, 4::smallint), 6::bigint);
-- Wide numbers, so that nobody hits another's.
select session as s1 from millrace.open_session('n', 'h', '1', '{ka}', 1) \gset
select session as s2 from millrace.open_session('n', 'h', '1', '{ka}', 1) \gset
select pg_temp.check_that('wide', :s1 <> :s2 and :s1 > 0 and :s2 > 0 and greatest(:s1, :s2) > 65536);

-- A sleeper holds a lock for each kind until it is awake; so does who is on call, and who watches.
create function pg_temp.locked(what integer) returns bigint language sql as $$
	select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and classid = what
		and mode = case when what = 1297 then 'ShareLock' else 'ExclusiveLock' end
$$;
create function pg_temp.held() returns text language sql as $$
	select concat_ws(' ', pg_temp.locked(1297), pg_temp.locked(1296), pg_temp.locked(1295))
$$;
select pg_temp.check_equal('on call', (select array_agg(k order by k) from unnest(millrace.sleep_on(array[:ka, 1, :ka]::smallint[], true)) k), array[1, :ka]::smallint[]);
select pg_temp.check_equal('asleep', pg_temp.held(), '2 2 0');
select pg_temp.check_equal('still', millrace.on_call(array[:ka]::smallint[]), array[:ka]::smallint[]);
select pg_temp.check_equal('watch', millrace.watch(array[:ka]::smallint[]), true);
select pg_temp.check_equal('watches', pg_temp.held(), '2 2 1');
select pg_temp.check_equal('modest', millrace.sleep_on(array[:ka, 1]::smallint[], false), '{}');
select pg_temp.check_equal('asleep only', pg_temp.held(), '2 0 0');
select millrace.awake();
select pg_temp.check_equal('awake', pg_temp.held(), '0 0 0');
select pg_temp.check_equal('nobody to notify', millrace.wake(array[:ka]::smallint[]), 0);

-- A notification holds a lock over the whole database as it commits: none in a transaction that does anything else.
select pg_temp.check_equal('who notifies', (select array_agg(p.proname order by 1) from pg_proc p where p.pronamespace = 'millrace'::regnamespace and p.prosrc ~* 'notify'), '{wake}'::name[]);
select pg_temp.check_equal('no trigger', (select count(*) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'millrace'::regnamespace), 0::bigint);

-- How long until the next try.
select pg_temp.check_that('longer each time, and never over five minutes', bool_and(d between ms / 2 and ms))
from (values (0, 1000.0), (1, 2000.0), (4, 16000.0), (30, 300000.0)) v (n, ms), lateral (select extract(epoch from millrace.retry_delay('error', n, null)) * 1000 as d) x;
select pg_temp.check_equal('a snooze', millrace.retry_delay('snoozed', 3, null), interval '30 s');
select pg_temp.check_equal('as asked for', millrace.retry_delay('error', 3, 1500), interval '1.5 s');

-- Each duty is one keeper's at a time.
select pg_temp.check_equal('with a lock each', (select array_agg(l.objid::integer order by l.objid)
	from (select count(a.done) + count(b.done) + count(c.next_ms) + count(d.done) + count(e.done)
		from millrace.rescue_workers(1) a, millrace.sweep_tickets() b, millrace.promote_due(1) c, millrace.fold_tallies() d, millrace.admit_all() e) called (n),
		lateral (select * from pg_locks where n > 0 and locktype = 'advisory' and pid = pg_backend_pid() and classid = 1298) l), '{1,2,3,4,5}');

-- Logins.
select millrace.create_login('mr_claims_login', 'worker');
select millrace.create_login('mr_claims_login', 'router');
select pg_temp.check_that('both', pg_has_role('mr_claims_login', 'millrace_worker', 'member') and pg_has_role('mr_claims_login', 'millrace_router', 'member')
	and not pg_has_role('mr_claims_login', 'millrace_keeper', 'member') and (select rolcanlogin from pg_roles where rolname = 'mr_claims_login'));
do $$ begin
	perform millrace.create_login('mr_claims_login', 'postgres');
	raise exception 'a login for what is no component';
exception when sqlstate '22023' then null; end $$;
rollback;
