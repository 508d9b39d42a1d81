-- expand.sql -- routing makes the tree once, and says why where there is none.
\ir lib/helpers.sql
select pg_temp.pipeline('[{"step": "text", "kind": "extract-text"}, {"step": "preview", "kind": "preview", "required": false},
	{"step": "index", "kind": "index", "after": ["text"], "priority": 2, "params": {"lang": "en"}}]') as pipe \gset
select pg_temp.check_equal('the same file has the same number', pg_temp.pipeline('[{"step": "text", "kind": "extract-text"}, {"step": "preview", "kind": "preview", "required": false},
	{"step": "index", "kind": "index", "after": ["text"], "priority": 2, "params": {"lang": "en"}}]'), :pipe);
select pg_temp.session('route') as router \gset
do $$ begin perform pg_temp.accept(pg_temp.event('a')); end $$;
select pg_temp.check_equal('routed', pg_temp.route(:router, :pipe), 1);
select pg_temp.check_equal('the tree', (select array_agg(kind || ' ' || state order by kind) from millrace.jobs where key = 'a'),
	array['extract-text queued', 'index waiting', 'preview queued']);
select pg_temp.check_equal('state', pg_temp.state('a'), 'routed');
select pg_temp.check_equal('nothing to route any more', pg_temp.route(:router, :pipe), 0);
select pg_temp.check_equal('priority is the class', (select class from millrace.job j join millrace.kind k using (kind_no) where k.name = 'index'), 2::smallint);

select pg_temp.check_equal('classes that claims look into', (select array_agg(c.class order by c.class) from millrace.kind_class c join millrace.kind k using (kind_no)
	where k.name = 'index'), '{0,2,4,6}'::smallint[]);

-- A step needs those of its own rule, whatever they are called elsewhere; a lane is part of the class.
select millrace.register_pipeline('two rules', '{"version": 1, "rules": [
	{"name": "one", "match": {}, "jobs": [{"step": "a", "kind": "ka"}, {"step": "b", "kind": "kb", "after": ["a"], "priority": 1}]},
	{"name": "two", "match": {}, "jobs": [{"step": "a", "kind": "ka"}, {"step": "b", "kind": "kb", "after": ["a"]}]}]}') as rules \gset
select pg_temp.check_equal('of its own rule', (select array_agg(after order by step_no) from (select step_no, after::text from millrace.pipeline_step
	where pipeline_no = :rules) s), '{"{}","{1}","{}","{3}"}');
do $$ begin perform pg_temp.accept(pg_temp.event('lane')); end $$;
update millrace.upload set lane = 1 where key = 'lane';
select pg_temp.route(:router, :rules);
select pg_temp.check_equal('the lane', (select array_agg(j.class order by j.step_no) from millrace.job j join millrace.upload u on u.id = j.upload_id where u.key = 'lane'), '{4,5}'::smallint[]);

-- A stale router changes nothing.
do $$ begin perform pg_temp.accept(pg_temp.event('b')); end $$;
select class as c, pos as p, upload_id as u from millrace.claim_routes(:router, 1, '{}', '{}') \gset
select pg_temp.session('route') as other \gset
select pg_temp.check_equal('stale', (select count(*) from millrace.expand_uploads(:other, :pipe, array[:c]::smallint[], array[:p]::bigint[],
	array[:'u']::uuid[], '{expand}', '{0}', array[null]::jsonb[], '{}')), 0::bigint);
select pg_temp.check_equal('no jobs', (select count(*) from millrace.jobs where key = 'b'), 0::bigint);
select pg_temp.check_equal('the holder goes on', (select count(*) from millrace.expand_uploads(:router, :pipe, array[:c]::smallint[], array[:p]::bigint[],
	array[:'u']::uuid[], '{expand}', '{0}', array[null]::jsonb[], '{}')), 1::bigint);
select pg_temp.check_equal('twice is refused', (select count(*) from millrace.expand_uploads(:router, :pipe, array[:c]::smallint[], array[:p]::bigint[],
	array[:'u']::uuid[], '{expand}', '{0}', array[null]::jsonb[], '{}')), 0::bigint);
select pg_temp.check_equal('one tree', (select count(*) from millrace.jobs where key = 'b'), 3::bigint);

-- Other ends.
do $$ begin perform pg_temp.accept(pg_temp.event('r')); end $$;
select pg_temp.route(:router, :pipe, 'rejected', '{"reason": "type", "detail": "It says PDF and is text.", "sniffed_type": "text/plain"}');
select pg_temp.check_equal('rejected', (select state || ' ' || reason || ' ' || detail || ' ' || sniffed_type from millrace.upload where key = 'r'),
	'rejected type It says PDF and is text. text/plain');
select pg_temp.check_equal('listed', (select r.reason from millrace.rejected r join millrace.upload u on u.id = r.upload_id where u.key = 'r'), 'type');
do $$ begin perform pg_temp.accept(pg_temp.event('i.tmp')); end $$;
select pg_temp.route(:router, :pipe, 'ignored', '{"reason": "**/*.tmp"}');
select pg_temp.check_equal('ignored', pg_temp.state('i.tmp'), 'ignored');
select pg_temp.check_equal('no alarm', (select count(*) from millrace.dead), 0::bigint);
do $$ begin perform pg_temp.accept(pg_temp.event('g')); end $$;
select pg_temp.route(:router, :pipe, 'source_gone');
select pg_temp.check_equal('gone', (select state || ' ' || reason from millrace.upload where key = 'g'), 'skipped source_gone');

select outcome from millrace.replay_job((select trace_id from millrace.uploads where key = 'r') || '/route', 'me', 'the rule was wrong');
select pg_temp.check_equal('accepted again', (select concat_ws(' ', state, reason, detail, generation) from millrace.upload where key = 'r'), 'accepted 1');
select pg_temp.check_equal('no longer listed', (select count(*) from millrace.rejected r join millrace.upload u on u.id = r.upload_id where u.key = 'r'), 0::bigint);
select pg_temp.route(:router, :pipe);
delete from millrace.audit;

-- A store that is away: later, and at last dead and replayable.
do $$ begin perform pg_temp.accept(pg_temp.event('s')); end $$;
select pg_temp.route(:router, :pipe, 'retry', '{"reason": "store", "detail": "away", "delay_ms": 0}');
select pg_temp.check_equal('still accepted', pg_temp.state('s'), 'accepted');
select pg_temp.check_equal('nothing due yet in the queue', pg_temp.route(:router, :pipe), 0);
select pg_temp.check_equal('promoted', (select done from millrace.promote_due(10)), 1::bigint);
do $$
declare r bigint := pg_temp.session('route');
begin
	for i in 1..20 loop
		exit when pg_temp.state('s') = 'failed';
		perform pg_temp.route(r, 1, 'retry', '{"reason": "store", "detail": "away", "delay_ms": 0}');
		perform millrace.promote_due(10);
	end loop;
end $$;
select pg_temp.check_equal('failed', (select state::text || ' ' || route_errors from millrace.upload where key = 's'), 'failed 10');
select pg_temp.check_equal('dead', (select split_part(job_id, '/', 2) || ' ' || error from millrace.dead), 'route away');
select pg_temp.check_equal('replay', (select outcome from millrace.replay_job((select job_id from millrace.dead), 'me', 'store is back')), 'replayed');
select pg_temp.check_equal('with errors counted from the start', (select route_errors from millrace.upload where key = 's'), 0::smallint);
select pg_temp.check_equal('not dead any more', (select count(*) from millrace.dead), 0::bigint);
select pg_temp.check_equal('routed at last', pg_temp.route(:router, :pipe), 1);
select pg_temp.check_equal('audited', (select who || ' ' || why from millrace.audit), 'me store is back');

-- An older write that comes late never wins.
do $$ begin perform pg_temp.accept(pg_temp.event('o', '{"sequencer": "0060", "request_id": "new"}')); end $$;
select pg_temp.route(:router, :pipe);
do $$ begin perform pg_temp.accept(pg_temp.event('o', '{"sequencer": "0059", "request_id": "old"}')); end $$;
select pg_temp.route(:router, :pipe);
select pg_temp.check_equal('superseded', (select array_agg(state || coalesce(' ' || reason, '') order by request_id) from millrace.upload where key = 'o'),
	array['routed', 'skipped superseded']);
do $$ begin perform pg_temp.accept(pg_temp.event('o', '{"sequencer": "0061", "request_id": "newest"}')); end $$;
select pg_temp.route(:router, :pipe);
select pg_temp.check_equal('a newer one is a new upload', (select count(*) from millrace.jobs where key = 'o'), 6::bigint);

-- Newer is newer in its own store, and only if it was taken.
do $$ begin perform pg_temp.accept(pg_temp.event('n', '{"sequencer": "0090", "request_id": "other", "store": "other"}')); end $$;
select pg_temp.route(:router, :pipe);
do $$ begin perform pg_temp.accept(pg_temp.event('n', '{"sequencer": "0091", "request_id": "bad"}')); end $$;
select pg_temp.route(:router, :pipe, 'rejected', '{"reason": "type"}');
do $$ begin perform pg_temp.accept(pg_temp.event('n', '{"sequencer": "0001", "request_id": "good"}')); end $$;
select pg_temp.route(:router, :pipe);
select pg_temp.check_equal('not superseded', (select array_agg(request_id || ' ' || state order by request_id) from millrace.upload where key = 'n'),
	array['bad rejected', 'good routed', 'other routed']);
select pg_temp.check_equal('by time where nothing else orders', (select array_agg(millrace.is_newer(a, b) order by n) from (values
	(1, '{"origin": "aws", "sequencer": "1", "event_time": "2026-01-02"}'::jsonb, '{"origin": "minio", "sequencer": "2", "event_time": "2026-01-01"}'::jsonb),
	(2, '{"origin": "aws", "event_time": "2026-01-01"}', '{"origin": "aws", "event_time": "2026-01-02"}'),
	(3, '{"origin": "aws", "sequencer": "2", "event_time": "2026-01-01"}', '{"origin": "aws", "sequencer": "1", "event_time": "2026-01-02"}'),
	(4, '{"origin": "aws"}', '{"origin": "aws"}')) v (n, x, y),
	jsonb_populate_record(null::millrace.upload, x) a, jsonb_populate_record(null::millrace.upload, y) b), '{t,f,t,f}');

-- The next try of a routing has the next number, unless it was handed back; others are woken for that.
do $$ begin perform pg_temp.accept(pg_temp.event('number')); end $$;
select pg_temp.route(:router, :pipe, 'retry', '{"delay_ms": 0}');
select done from millrace.promote_due(10);
select class as c, pos as p, upload_id as u, attempt from millrace.claim_routes(:router, 1, '{}', '{}') \gset
select pg_temp.check_equal('the second', :attempt, 2);
select pg_temp.check_equal('woken', (select wake from millrace.expand_uploads(:router, :pipe, array[:c]::smallint[], array[:p]::bigint[],
	array[:'u']::uuid[], '{interrupted}', '{-1}', array[null]::jsonb[], '{}')), '{1}'::smallint[]);
select pg_temp.check_equal('still the second', (select attempt from millrace.claim_routes(:router, 1, '{}', '{}')), 2::smallint);

-- A rule without jobs is ready at once.
select pg_temp.pipeline('[]') as empty \gset
do $$ begin perform pg_temp.accept(pg_temp.event('e')); end $$;
select pg_temp.route(:router, :empty);
select pg_temp.check_equal('ready', pg_temp.state('e'), 'ready');
rollback;
