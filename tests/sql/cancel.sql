-- cancel.sql -- an upload is cancelled in each state that it can be in; beside it another one stays as it is.
\ir lib/helpers.sql
create function pg_temp.id(wanted text) returns uuid language sql as $$
	select u.id from millrace.upload u where u.key = wanted
$$;
create function pg_temp.cancel(wanted text, why text default 'wrong file') returns text language sql as $$
	select c.outcome || coalesce(' ' || (c.reply->>'jobs') || ' ' || (c.reply->>'running'), '')
	from millrace.cancel_upload(millrace.trace_text(pg_temp.id(wanted)), 'ann', why) c
$$;
create function pg_temp.jobs(wanted text) returns text language sql as $$
	select string_agg(j.state::text, ' ' order by j.step_no) from millrace.job j where j.upload_id = pg_temp.id(wanted)
$$;
-- No trace of it in the queue.
create function pg_temp.is_out(wanted text) returns boolean language sql as $$
	select not exists (select from millrace.ticket t where t.upload_id = pg_temp.id(wanted))
		and not exists (select from millrace.parked p where p.upload_id = pg_temp.id(wanted))
		and not exists (select from millrace.delayed d where d.upload_id = pg_temp.id(wanted))
		and (select u.state = 'cancelled' and u.open_jobs = 0 and u.finished_at is not null and u.reason = 'cancelled'
			from millrace.upload u where u.id = pg_temp.id(wanted))
		and not exists (select from millrace.job j where j.upload_id = pg_temp.id(wanted) and j.finished_at = 'infinity')
$$;
-- Claims of a kind, and what its worker says of all that it took: now or later.
create function pg_temp.take(session bigint, kind text, max integer default 1000) returns bigint language plpgsql as $$
begin
	create temp table if not exists taken (session bigint, kind_no smallint, class smallint, pos bigint, upload_id uuid, step_no smallint);
	insert into taken select take.session, k.kind_no, c.class, c.pos, c.upload_id, c.step_no
	from millrace.kind k, lateral millrace.claim_jobs(take.session, k.kind_no, max, '{}', '{}') c where k.name = take.kind;
	return (select count(*) from taken t where t.session = take.session);
end $$;
create function pg_temp.say(p_session bigint, outcome text) returns bigint language plpgsql as $$
declare
	n bigint;
begin
	select count(*) into n
	from (select array_agg(t.kind_no) as kinds, array_agg(t.class) as classes, array_agg(t.pos) as positions,
			array_agg(t.upload_id) as ids, array_agg(t.step_no) as steps, array_agg(say.outcome) as outcomes,
			array_agg(1::bigint) as ran, array_agg(null::bigint) as delays,
			array_agg('{"outputs": [{"name": "o", "uri": "s3://x", "size": 1, "sha256": "ab"}]}'::jsonb) as details
		from taken t where t.session = p_session) a,
		lateral millrace.finish_jobs(p_session, a.kinds, a.classes, a.positions, a.ids, a.steps, a.outcomes, a.ran, a.delays, a.details, '{}')
	where a.ids is not null;
	delete from taken t where t.session = p_session;
	return n;
end $$;
create function pg_temp.arrive(wanted text, router bigint, pipeline integer) returns void language plpgsql as $$
begin
	perform pg_temp.accept(pg_temp.event(wanted), pg_temp.event(wanted || ' beside'));
	perform pg_temp.route(router, pipeline);
end $$;

select pg_temp.pipeline('[{"step": "a", "kind": "ka"}, {"step": "b", "kind": "kb", "after": ["a"]},
	{"step": "c", "kind": "kc", "on_failure": "review"}, {"step": "n", "kind": "kn", "required": false, "on_failure": "note"}]') as pipe \gset
select pg_temp.session('route') as r \gset
select pg_temp.session('ka', 'kb', 'kc', 'kn') as w \gset

-- What there is not.
select pg_temp.check_equal('unknown', (select array_agg(c.outcome) from unnest(array['trace_01J8Z3NDEKTSV4RRFFQ69G5FAV', 'nonsense', '']) t,
	lateral millrace.cancel_upload(t, 'ann', null) c), array['not_found', 'not_found', 'not_found']);
select pg_temp.check_equal('nothing is noted of it', (select count(*) from millrace.audit), 0::bigint);

-- Before it is there: the file that comes is an upload of its own.
select millrace.expect_upload('01900000-0000-7000-8000-000000000001', 's3', 'b', 'announced');
select pg_temp.check_equal('announced', pg_temp.cancel('announced'), 'cancelled 0 0');
select pg_temp.check_equal('another one', (select array_agg(upload_id <> '01900000-0000-7000-8000-000000000001' order by n)
	from pg_temp.accept(pg_temp.event('announced', '{"trace_uuid": "01900000-0000-7000-8000-000000000001", "trace_text": "t"}'))), '{t}');
select pg_temp.check_equal('each in its state', (select array_agg(state::text order by state) from millrace.upload), '{accepted,cancelled}');
select pg_temp.recount('announced');

-- Before it is routed: waiting, with a router, put off.
do $$ begin perform pg_temp.accept(pg_temp.event('unrouted'), pg_temp.event('unrouted beside')); end $$;
select pg_temp.check_equal('unrouted', pg_temp.cancel('unrouted'), 'cancelled 0 0');
select pg_temp.check_that('unrouted is out', pg_temp.is_out('unrouted'));
select pg_temp.recount('unrouted');
select pg_temp.check_equal('not twice', pg_temp.cancel('unrouted'), 'not_open');
select pg_temp.check_equal('only the others are routed', pg_temp.route(:r, :pipe), 2);
do $$ begin perform pg_temp.accept(pg_temp.event('held'), pg_temp.event('held beside')); end $$;
create temp table routes as select * from millrace.claim_routes(:r, 10, '{}', '{}');
select pg_temp.check_equal('with a router', pg_temp.cancel('held'), 'cancelled 0 0');
select pg_temp.check_that('it is out', pg_temp.is_out('held'));
select pg_temp.recount('with a router');
select pg_temp.check_equal('which comes too late for one', (select count(*) from (select array_agg(class) as c, array_agg(pos) as p, array_agg(upload_id) as u,
	array_agg('expand'::text) as o, array_agg(0::smallint) as s, array_agg(null::jsonb) as d from routes) x,
	lateral millrace.expand_uploads(:r, :pipe, x.c, x.p, x.u, x.o, x.s, x.d, '{}')), 1::bigint);
select pg_temp.check_equal('no jobs', pg_temp.state('held') || coalesce(pg_temp.jobs('held'), ''), 'cancelled');
select pg_temp.recount('too late');
do $$ begin perform pg_temp.accept(pg_temp.event('put off'), pg_temp.event('put off beside')); end $$;
select pg_temp.route(:r, :pipe, 'retry', '{"delay_ms": 0, "reason": "store", "detail": "away"}');
select pg_temp.check_equal('put off', pg_temp.cancel('put off'), 'cancelled 0 0');
select pg_temp.check_that('put off is out', pg_temp.is_out('put off'));
select pg_temp.recount('put off');
select done from millrace.promote_due(10);
select pg_temp.check_equal('only the other is due again', pg_temp.route(:r, :pipe), 1);

-- Its jobs wait, and wait for each other.
select pg_temp.arrive('queued', :r, :pipe);
select pg_temp.check_equal('waiting and queued', pg_temp.cancel('queued'), 'cancelled 4 0');
select pg_temp.check_equal('none is left', pg_temp.jobs('queued'), 'cancelled cancelled cancelled cancelled');
select pg_temp.check_that('queued is out', pg_temp.is_out('queued'));
select pg_temp.check_equal('beside it', pg_temp.jobs('queued beside'), 'queued waiting queued queued');
select pg_temp.check_equal('no try was made', (select count(*) from millrace.attempt), 0::bigint);
select pg_temp.recount('queued');
select pg_temp.check_equal('why', millrace.why(pg_temp.id('queued')::text), 'It was cancelled by ann: wrong file.');
select pg_temp.check_equal('in the trace', (select array[d->'upload'->>'state', d->'upload'->>'reason', d->'upload'->>'detail', d->'jobs'->0->>'state']
	from millrace.trace_json(pg_temp.id('queued')::text) d), array['cancelled', 'cancelled', 'by ann: wrong file', 'cancelled']);
select pg_temp.check_equal('for psql', (select array_agg(distinct state || coalesce(' ' || outcome, '')) from millrace.trace(pg_temp.id('queued')::text)),
	array['cancelled', 'cancelled cancelled: by ann: wrong file']);
select pg_temp.check_equal('audited', (select row(who, action, subject = millrace.trace_text(pg_temp.id('queued')), why)::text from millrace.audit order by audit_no desc limit 1),
	'(ann,cancel,t,"wrong file")');

-- One is done, one runs, one waits for another try, one for the first.
select pg_temp.arrive('running', :r, :pipe);
select pg_temp.finish(:w, 'kc', 'error');
select pg_temp.finish(:w, 'kn', 'done', '{"outputs": [{"name": "o", "uri": "s3://n", "size": 1, "sha256": "ab"}]}');
select pg_temp.take(:w, 'ka');
select pg_temp.check_equal('before', pg_temp.jobs('running'), 'queued waiting retrying done');
select count(*) as delayed from millrace.delayed \gset
select pg_temp.check_equal('running', pg_temp.cancel('running', null), 'cancelled 3 1');
select pg_temp.check_equal('what is done stays so', pg_temp.jobs('running'), 'cancelled cancelled cancelled done');
select pg_temp.check_that('running is out', pg_temp.is_out('running'));
select pg_temp.check_equal('one is put off no more', (select count(*) from millrace.delayed), :delayed::bigint - 1);
select pg_temp.recount('running');
select pg_temp.check_equal('the try has a row', (select array_agg(row(attempt, session = :w, worker <> '?', outcome, finished_at >= started_at)::text)
	from millrace.attempt where upload_id = pg_temp.id('running') and step_no = 1), array['(1,t,t,cancelled,t)']);
select pg_temp.check_equal('its number is used', (select tries from millrace.job where upload_id = pg_temp.id('running') and step_no = 1), 1::smallint);
select pg_temp.check_equal('no reason was given', millrace.why(pg_temp.id('running')::text), 'It was cancelled by ann.');
select count(*) as others from taken where upload_id <> pg_temp.id('running') \gset
select pg_temp.check_equal('its worker comes too late, for this one', pg_temp.say(:w, 'done'), :others::bigint);
select pg_temp.check_equal('still', pg_temp.jobs('running') || ' ' || pg_temp.state('running'), 'cancelled cancelled cancelled done cancelled');
select pg_temp.check_equal('no result but of what was done before', (select array_agg(uri) from millrace.output where upload_id = pg_temp.id('running')), array['s3://n']);
select pg_temp.check_equal('nothing is made of it', (select count(*) from millrace.attempt where upload_id = pg_temp.id('running')), 3::bigint);
select pg_temp.recount('too late');
update millrace.delayed set due_at = '-infinity';
select done from millrace.promote_due(1000);
select pg_temp.check_equal('the others are due', pg_temp.jobs('running beside'), 'done queued queued done');
select pg_temp.recount('the others are due');

-- What a worker was lost with: a suspect, on its second try.
select pg_temp.finish(:w, 'ka', 'done'), pg_temp.finish(:w, 'kb', 'done'), pg_temp.finish(:w, 'kc', 'done'), pg_temp.finish(:w, 'kn', 'done');
select pg_temp.arrive('suspect', :r, :pipe);
select pg_temp.take(:w, 'ka');
select done from millrace.rescue_workers(-1);
select pg_temp.session('route') as r \gset
select pg_temp.session('ka', 'kb', 'kc', 'kn') as w \gset
truncate taken;
select pg_temp.take(:w, 'ka', 1);
select pg_temp.check_equal('suspects', pg_temp.cancel('suspect') || ', ' || pg_temp.cancel('suspect beside'), 'cancelled 4 1, cancelled 4 0');
select pg_temp.check_equal('lost, then cancelled', (select string_agg(attempt || ' ' || outcome, ', ' order by attempt) from millrace.attempt
	where upload_id = pg_temp.id('suspect') and step_no = 1), '1 lost, 2 cancelled');
select pg_temp.recount('suspects');
select pg_temp.check_equal('too late', pg_temp.say(:w, 'done'), 0::bigint);

-- What is dead stays so, and its replay does not make a cancelled upload ready.
select pg_temp.arrive('dead', :r, :pipe);
select pg_temp.finish(:w, 'ka', 'permanent', '{"error": "bad"}');
select pg_temp.check_equal('before', pg_temp.jobs('dead'), 'failed skipped queued queued');
select pg_temp.check_equal('dead', pg_temp.cancel('dead') || ' ' || pg_temp.cancel('dead beside'), 'cancelled 2 0 cancelled 2 0');
select pg_temp.check_equal('dead still', pg_temp.jobs('dead'), 'failed skipped cancelled cancelled');
select pg_temp.check_equal('in the list', (select count(*) from millrace.dead where key = 'dead'), 1::bigint);
select pg_temp.check_equal('not dead: not replayed', (select outcome from millrace.replay_job(pg_temp.id('dead') || '/c', 'me', null)), 'not_dead');
select pg_temp.check_equal('replayed', (select outcome from millrace.replay_job((select job_id from millrace.dead where key = 'dead'), 'me', null)), 'replayed');
select pg_temp.check_equal('open again', pg_temp.state('dead') || ' ' || pg_temp.jobs('dead'), 'routed queued waiting cancelled cancelled');
select pg_temp.check_equal('why it is', millrace.why(pg_temp.id('dead')::text), 'a is queued; b waits for a');
select pg_temp.recount('replayed');
select pg_temp.finish(:w, 'ka', 'done'), pg_temp.finish(:w, 'kb', 'done');
select pg_temp.check_equal('cancelled as before', pg_temp.state('dead') || ' ' || pg_temp.jobs('dead') || ' ' || millrace.why(pg_temp.id('dead')::text),
	'cancelled done done cancelled cancelled It was cancelled by ann: wrong file.');
select outcome from millrace.replay_job((select job_id from millrace.dead where key = 'dead beside'), 'me', null);
select pg_temp.check_equal('cancelled while it is open again', pg_temp.cancel('dead beside', 'no, really'), 'cancelled 2 0');
select pg_temp.check_that('out again', pg_temp.is_out('dead beside'));
select pg_temp.check_equal('no dead letter', (select count(*) from millrace.dead), 0::bigint);
select pg_temp.recount('cancelled again');

-- What has ended is not cancelled, nor a job whose upload has.
select pg_temp.arrive('ended', :r, :pipe);
select pg_temp.finish(:w, 'kc', 'permanent'), pg_temp.finish(:w, 'ka', 'done');
select pg_temp.finish(:w, 'kb', 'permanent');
select pg_temp.check_equal('it has ended', pg_temp.state('ended') || ', ' || pg_temp.cancel('ended'), 'failed, not_open');
select pg_temp.check_equal('its optional job is queued still', pg_temp.jobs('ended'), 'done failed failed queued');

-- Limits and groups: parked, admitted, running, and what that makes room for.
select pg_temp.pipeline('[{"step": "a", "kind": "ka"}, {"step": "b", "kind": "ka"}, {"step": "c", "kind": "ka"}, {"step": "d", "kind": "ka"}, {"step": "e", "kind": "ka", "after": ["d"]}]',
	'{"ka": {"limit": 3, "group": "{bucket}"}}') as limited \gset
select (select kind_no from millrace.kind where name = 'ka') as ka \gset
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.arrive('limited', :r, :limited);
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.take(:w, 'ka', 1);
select pg_temp.check_equal('one runs, two may, five are parked', (select count(*) filter (where session <> 0) || ' ' || count(*) filter (where session = 0) from millrace.ticket where kind_no = :ka)
	|| ' ' || (select count(*) from millrace.parked), '1 2 5');
select key as first from millrace.upload join taken on upload_id = id \gset
select (select key from millrace.upload where key like 'limited%' and key <> :'first') as second \gset
select pg_temp.check_that('books before', pg_temp.books_balance());
select c.wake from millrace.cancel_upload(pg_temp.id(:'first')::text, 'ann', null) c \gset
select pg_temp.check_equal('there is room', :'wake'::smallint[], array[:ka]::smallint[]);
select pg_temp.check_that('out', pg_temp.is_out(:'first'));
select pg_temp.check_that('books', pg_temp.books_balance());
select pg_temp.recount('limited');
select millrace.wake(:'wake'::smallint[]);
select pg_temp.check_equal('others are let in', (select count(*) from millrace.ticket where kind_no = :ka), 3::bigint);
select pg_temp.check_that('books of the others', pg_temp.books_balance());
select pg_temp.check_equal('too late', pg_temp.say(:w, 'done'), 0::bigint);
select pg_temp.check_that('books after it came too late', pg_temp.books_balance());
select pg_temp.check_equal('the other', pg_temp.cancel(:'second'), 'cancelled 5 0');
select pg_temp.check_that('books of none', pg_temp.books_balance() and not exists (select from millrace.parked));
select pg_temp.recount('none');
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.check_equal('nobody has a turn', (select coalesce(sum(admitted), 0) || ' ' || (select count(*) from millrace.group_live where kind_no = :ka and (parked, admitted) <> (0, 0))
	from millrace.turn where kind_no = :ka), '0 0');
-- A retry of a job that has a group.
select pg_temp.arrive('again', :r, :limited);
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.finish(:w, 'ka', 'error');
select pg_temp.check_equal('three are put off', (select count(*) from millrace.delayed where kind_no = :ka), 3::bigint);
select pg_temp.check_equal('both', pg_temp.cancel('again') || ', ' || pg_temp.cancel('again beside'), 'cancelled 5 0, cancelled 5 0');
select pg_temp.check_that('both are out', pg_temp.is_out('again') and pg_temp.is_out('again beside') and pg_temp.books_balance());
select pg_temp.recount('again');

-- Many jobs: what is folded, what is not, and what of them had failed.
select pg_temp.pipeline((select jsonb_agg(jsonb_build_object('step', 's' || i, 'kind', 'kb')) from generate_series(1, 150) i)) as many \gset
select pg_temp.finish(:w, 'kb', 'done'), pg_temp.finish(:w, 'kc', 'done'), pg_temp.finish(:w, 'kn', 'done');
do $$ begin perform pg_temp.accept(pg_temp.event('many')); end $$;
select pg_temp.route(:r, :many);
select pg_temp.take(:w, 'kb', 20);
select pg_temp.say(:w, 'permanent');
select done from millrace.fold_uploads(0);
select pg_temp.take(:w, 'kb', 10);
select pg_temp.say(:w, 'done');
select pg_temp.take(:w, 'kb', 40);
select pg_temp.check_equal('summed up, and to be', (select count(*) from millrace.upload_sum) || ' ' || (select sum(decided) from millrace.upload_delta), '1 10');
select pg_temp.check_equal('many', pg_temp.cancel('many'), 'cancelled 120 40');
select pg_temp.check_equal('its counts', (select row(many, state, open_jobs, failed_jobs, review_jobs)::text from millrace.upload where key = 'many'), '(t,cancelled,0,20,0)');
select pg_temp.check_that('many is out', pg_temp.is_out('many'));
select pg_temp.check_equal('nothing is left to fold', (select count(*) from millrace.upload_delta) + (select count(*) from millrace.upload_sum), 0::bigint);
select pg_temp.check_equal('its jobs', (select string_agg(n || ' ' || state, ', ' order by state) from (select state, count(*) as n from millrace.job
	where upload_id = pg_temp.id('many') group by state) s), '10 done, 20 failed, 120 cancelled');
select pg_temp.check_equal('its tries', (select count(*) from millrace.attempt where upload_id = pg_temp.id('many') and outcome = 'cancelled'), 40::bigint);
select pg_temp.recount('many');
select pg_temp.check_equal('too late', pg_temp.say(:w, 'done'), 0::bigint);
select outcome from millrace.replay_job((select min(job_id) from millrace.dead where key = 'many'), 'me', null);
select pg_temp.check_equal('open', (select state || ' ' || open_jobs || ' ' || failed_jobs from millrace.upload where key = 'many'), 'routed 1 19');
select pg_temp.finish(:w, 'kb', 'done');
select pg_temp.check_equal('and cancelled again', (select state || ' ' || open_jobs || ' ' || failed_jobs || ' ' || reason || ' ' || detail
	from millrace.upload where key = 'many'), 'cancelled 0 19 cancelled by ann: wrong file');
select pg_temp.recount('many, replayed');
rollback;
