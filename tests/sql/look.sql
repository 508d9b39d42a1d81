-- look.sql -- what people and pages are shown: traces, searches, lists, and why something is not ready.
\ir lib/helpers.sql
select pg_temp.session('route') as r \gset
create function pg_temp.why(wanted text) returns text language sql as $$
	select millrace.why(trace_id) from millrace.uploads where key = wanted
$$;
create function pg_temp.id(wanted text) returns text language sql as $$
	select trace_id from millrace.uploads where key = wanted
$$;

-- Times and IDs.
set local timezone = 'Asia/Tokyo';
select pg_temp.check_equal('UTC wherever the reader is', millrace.utc_text('2026-01-02 03:04:05.678901+00'), '2026-01-02T03:04:05.678901Z');
select pg_temp.check_equal('not yet', millrace.utc_text('infinity'), null);
set local timezone = 'UTC';

-- Why, from its file to its end.
select millrace.expect_upload('01890a5d-ac96-774b-bcce-b302099a8100', 's3', 'b', 'way');
select pg_temp.check_equal('nothing arrived', pg_temp.why('way'), 'The file has not arrived yet.');
do $$ begin perform pg_temp.accept(pg_temp.event('way', '{"trace_uuid": "01890a5d-ac96-774b-bcce-b302099a8100", "trace_text": "t"}')); end $$;
select pg_temp.check_equal('accepted', pg_temp.why('way'), 'It waits to be routed.');
select millrace.close_session(:r);
select pg_temp.check_equal('nobody routes', pg_temp.why('way'), 'It waits to be routed, and no router is alive.');
select pg_temp.session('route') as r \gset
select pg_temp.pipeline('[{"step": "z-first", "kind": "ka"}, {"step": "a-second", "kind": "kb", "after": ["z-first"]}, {"step": "skipped-in-the-end", "kind": "kc", "after": ["a-second"], "required": false}]') as pipe \gset
select pg_temp.route(:r, :pipe);
select pg_temp.check_equal('nobody works', pg_temp.why('way'),
	'z-first is queued, and no worker of its kind is alive; a-second waits for z-first; skipped-in-the-end waits for a-second');
select session as w from millrace.open_session('pod-1', 'host', '1', '{kb,ka}', 3) \gset
select pg_temp.check_that('queued', pg_temp.why('way') like 'z-first is queued; %');
select millrace.pause_kind('ka', true, 'ann', 'why');
select pg_temp.check_that('held', pg_temp.why('way') ~ '^z-first is held, because ann paused ka at 20\S+Z; ');
select millrace.pause_kind('ka', false, 'ann', 'why');
select count(*) from millrace.claim_jobs(:w, (select kind_no from millrace.kind where name = 'ka'), 1, '{}', '{}');
select pg_temp.check_that('runs', pg_temp.why('way') like 'z-first runs at pod-1; %');
select pg_temp.check_equal('an attempt without an end', (select a->>'worker' || ' ' || coalesce(a->>'outcome', 'none')
	from jsonb_array_elements(millrace.trace_json(pg_temp.id('way'))->'jobs') j, jsonb_array_elements(j->'attempts') a), 'pod-1 none');
select pg_temp.check_equal('one runs there', (select row(w->>'worker', w->>'kinds', w->>'slots', w->>'running')::text
	from jsonb_array_elements(millrace.workers_json()->'workers') w where w->>'worker' = 'pod-1'), '(pod-1,"[""ka"", ""kb""]",3,1)');
select count(*) from millrace.open_session('a-pod', 'host', '1', '{ka}', 3);
select pg_temp.check_equal('workers by name', (select array_agg(w->>'worker' order by n) = array_agg(w->>'worker' order by w->>'worker')
	from jsonb_array_elements(millrace.workers_json()->'workers') with ordinality x (w, n)), true);
select millrace.close_session(:w);
select pg_temp.session('ka', 'kb', 'kc') as w \gset
select pg_temp.finish(:w, 'ka', 'error', '{"error_class": "exit", "error": "exit code 1"}', 60000);
select pg_temp.check_that('retries', pg_temp.why('way') ~ '^z-first tries again at 20\S+Z after: exit code 1; ');
update millrace.delayed set due_at = '-infinity';
select done from millrace.promote_due(1);
select pg_temp.finish(:w, 'ka', 'done', '{"outputs": [{"name": "o", "uri": "s3://r/second", "size": 3, "sha256": "ab", "content_type": "text/plain"}]}');
select pg_temp.finish(:w, 'kb', 'permanent', '{"error": "no"}');
select pg_temp.check_equal('failed', pg_temp.why('way'), 'It failed: a-second: no');
select pg_temp.check_equal('no such', millrace.why('nonsense'), 'There is no such trace.');
do $$ begin perform pg_temp.accept(pg_temp.event('refused')); end $$;
select pg_temp.route(:r, :pipe, 'rejected', '{"reason": "type", "detail": "It says PDF."}');
select pg_temp.check_equal('rejected', pg_temp.why('refused'), 'It is rejected: type, It says PDF.');

-- The trace as rows and as JSON.
select pg_temp.check_equal('rows', (select array_agg(concat_ws(' ', what, state, attempt, outcome, results)) from millrace.trace(pg_temp.id('way'))),
	array['upload b/way failed', 'z-first done 1 error: exit: exit code 1', 'z-first done 2 done s3://r/second',
		'a-second failed 1 permanent: no', 'skipped-in-the-end skipped']);
select pg_temp.check_equal('JSON', (select row(d->'upload'->>'rule', d->'jobs'->0->>'step', d->'jobs'->0->'attempts'->0->>'outcome',
		d->'jobs'->1->'after', d->'jobs'->0->'outputs'->0->>'sha256')::text
	from (select millrace.trace_json(pg_temp.id('way') || '/z-first') as d) s), '(all,z-first,error,"[""z-first""]",ab)');
-- What an earlier try left behind is not the result.
insert into millrace.output (upload_id, step_no, attempt, name, uri, size, sha256) select u.id, 1, 1, 'o', 's3://r/first', 3, 'cd' from millrace.upload u where u.key = 'way';
select pg_temp.check_equal('the outputs of the last', (select d->'jobs'->0->'outputs' @? '$[*] ? (@.uri == "s3://r/first")' from (select millrace.trace_json(pg_temp.id('way')) as d) s), false);

-- Searches and lists.
do $$ begin perform pg_temp.accept(pg_temp.event('2026/a/b.pdf', '{"trace_text": "order-77"}')); end $$;
select pg_temp.check_equal('found by ' || q, (select jsonb_path_query_array(millrace.search_json(q), '$.results[*].key')), '["2026/a/b.pdf"]'::jsonb)
from unnest(array['b/2026/a/b.pdf', 'order-77', ' order-77 ', pg_temp.id('2026/a/b.pdf'), pg_temp.id('2026/a/b.pdf') || '/step']) q;
select pg_temp.check_equal('not found', millrace.search_json('b/2026/a'), '{"results": []}'::jsonb);
do $$ begin perform pg_temp.accept(pg_temp.event('2026/a/b.pdf', '{"request_id": "later"}')); end $$;
update millrace.upload set received_at = now() + interval '1 s' where request_id = 'later';
select pg_temp.check_equal('newest first', (select array_agg(r->>'received_at' order by n) = array_agg(r->>'received_at' order by r->>'received_at' desc) and count(*) = 2
	from jsonb_array_elements(millrace.search_json('b/2026/a/b.pdf')->'results') with ordinality x (r, n)), true);
select pg_temp.check_equal('as many as asked for', jsonb_array_length(millrace.recent_json(2)->'uploads'), 2);
select pg_temp.check_equal('newest first, with what is done', (select array_agg(u->>'trace_id' order by n) = array_agg(u->>'trace_id' order by u->>'trace_id' desc)
		and max(concat_ws('/', u->>'jobs_done', u->>'jobs_total')) filter (where u->>'key' = 'way') = '1/3'
	from jsonb_array_elements(millrace.recent_json(100)->'uploads') with ordinality x (u, n)), true);
select pg_temp.check_equal('dead of a kind', (select row(d->>'kind', d->>'step', d->>'attempts', d->>'error')::text
	from jsonb_array_elements(millrace.dead_json('kb', 10)->'dead') d), '(kb,a-second,1,no)');
select pg_temp.route(:r, :pipe, 'retry', '{"reason": "store", "detail": "away", "delay_ms": 0}');
update millrace.upload set route_errors = 9 where key = '2026/a/b.pdf' and request_id = 'later';
update millrace.delayed set due_at = '-infinity';
select done from millrace.promote_due(10);
select pg_temp.route(:r, :pipe, 'retry', '{"reason": "store", "detail": "away", "delay_ms": 0}');
select pg_temp.check_equal('a dead routing', (select row(d->>'kind', d->>'step', d->>'error', right(d->>'job_id', 6))::text
	from jsonb_array_elements(millrace.dead_json('route', 10)->'dead') d), '(route,route,away,/route)');
select pg_temp.check_equal('of another kind', millrace.dead_json('ka', 10), '{"dead": []}'::jsonb);

-- The oldest that waits, behind the mark of claims or not.
do $$ begin perform pg_temp.accept(pg_temp.event('q1'), pg_temp.event('q2')); end $$;
update millrace.upload set received_at = '2026-01-01' where key = 'q1';
update millrace.upload set received_at = '2026-01-02' where key = 'q2';
select count(*) from millrace.claim_routes(:r, 1000, '{}', '{}');
select pg_temp.check_equal('what runs does not wait', (select oldest_at > '2026-01-03' from millrace.queue_rows() where kind = 'route'), null);
do $$ begin perform pg_temp.accept(pg_temp.event('q3')); end $$;
update millrace.upload set received_at = '2026-01-03' where key = 'q3';
select pg_temp.check_equal('the oldest', (select q->>'oldest_at' from jsonb_array_elements(millrace.queues_json()->'queues') q where q->>'kind' = 'route'), '2026-01-03T00:00:00.000000Z');
select pg_temp.check_equal('who is there for it', (select (q->>'workers')::int from jsonb_array_elements(millrace.queues_json()->'queues') q where q->>'kind' = 'route'), 1);
select millrace.pause_kind('route', true, 'me', null);
select pg_temp.check_equal('paused', (select paused from millrace.queue_rows() where kind = 'route'), true);
rollback;
