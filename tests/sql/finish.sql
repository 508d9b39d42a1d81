-- finish.sql -- what becomes of a try, of its dependents and of the parent.
\ir lib/helpers.sql
select pg_temp.pipeline('[{"step": "a", "kind": "ka"}, {"step": "b", "kind": "kb"}, {"step": "c", "kind": "kc", "after": ["a", "b"]},
	{"step": "note", "kind": "kn", "required": false}, {"step": "rev", "kind": "kr", "required": false, "on_failure": "review"}]',
	'{"ka": {"attempts": 3, "timeout_s": 7}}') as pipe \gset
select pg_temp.session('route') as r \gset
select pg_temp.session('ka', 'kb', 'kc', 'kn', 'kr') as w \gset

-- All done: ready exactly when the last that decides is.
do $$ begin perform pg_temp.accept(pg_temp.event('ok')); end $$;
select pg_temp.route(:r, :pipe);
select pg_temp.check_equal('timeout of the kind', (select s.timeout_ms from millrace.pipeline_step s where s.step = 'a' and s.pipeline_no = :pipe), 7000::bigint);
select pg_temp.check_equal('a', pg_temp.finish(:w, 'ka', 'done', '{"outputs": [{"name": "t", "uri": "s3://r/t", "size": 3, "sha256": "00"}], "result": {"pages": 2}}'), array['accepted']);
select pg_temp.check_equal('c waits for b', pg_temp.job_state('ok', 'c'), 'waiting');
select pg_temp.check_equal('b', pg_temp.finish(:w, 'kb', 'done'), array['accepted']);
select pg_temp.check_equal('c is free', pg_temp.job_state('ok', 'c'), 'queued');
select pg_temp.check_equal('c', pg_temp.finish(:w, 'kc', 'done'), array['accepted']);
select pg_temp.check_equal('rev still decides', pg_temp.state('ok'), 'routed');
select pg_temp.check_equal('rev', pg_temp.finish(:w, 'kr', 'done'), array['accepted']);
select pg_temp.check_equal('ready', pg_temp.state('ok'), 'ready');
select pg_temp.check_equal('a note failing later changes nothing', pg_temp.finish(:w, 'kn', 'permanent', '{"error": "x"}'), array['dead']);
select pg_temp.check_equal('still ready', pg_temp.state('ok'), 'ready');
select pg_temp.check_equal('manifest', (select name || attempt || uri from millrace.output), 't1s3://r/t');
select pg_temp.check_equal('result', (select j->'result'->>'pages' from jsonb_array_elements(millrace.trace_json((select trace_id from millrace.uploads where key = 'ok'))->'jobs') j
	where j->>'step' = 'a'), '2');

-- Retries up to the limit; the position is new each time; the number of the try goes up.
do $$ begin perform pg_temp.accept(pg_temp.event('err')); end $$;
select pg_temp.route(:r, :pipe);
select pg_temp.check_equal('1st', pg_temp.finish(:w, 'ka', 'error', '{"error_class": "exit", "error": "one"}', 0), array['retry']);
select pg_temp.check_equal('retrying', pg_temp.job_state('err', 'a'), 'retrying');
select millrace.promote_due(10);
select pg_temp.check_equal('2nd', pg_temp.finish(:w, 'ka', 'timeout', null, 0), array['retry']);
select millrace.promote_due(10);
select pg_temp.check_equal('snoozed counts nothing', pg_temp.finish(:w, 'ka', 'snoozed', null, 0), array['retry']);
select millrace.promote_due(10);
select pg_temp.check_equal('3rd', pg_temp.finish(:w, 'ka', 'error', '{"error": "three"}', 0), array['dead']);
select pg_temp.check_equal('counts', (select j.tries || ' ' || j.errors || ' ' || j.snoozes from millrace.job j join millrace.upload u on u.id = j.upload_id
	join millrace.kind k using (kind_no) where u.key = 'err' and k.name = 'ka'), '4 3 1');
select pg_temp.check_equal('attempts are contiguous', (select array_agg(a.attempt || a.outcome order by a.attempt) from millrace.attempt a join millrace.upload u on u.id = a.upload_id
	join millrace.kind k on k.name = 'ka' join millrace.job j on j.upload_id = a.upload_id and j.step_no = a.step_no and j.kind_no = k.kind_no where u.key = 'err'),
	array['1error', '2timeout', '3snoozed', '4error']);
select pg_temp.check_equal('c can no longer run', pg_temp.job_state('err', 'c'), 'skipped');
select pg_temp.check_equal('b goes on', pg_temp.finish(:w, 'kb', 'done'), array['accepted']);
select pg_temp.check_equal('not final before all that decide have ended', pg_temp.state('err'), 'routed');
select pg_temp.check_equal('why it is not ready', millrace.why((select trace_id from millrace.uploads where key = 'err')), 'a is dead: three; note is queued; rev is queued');
select pg_temp.finish(:w, 'kr', 'permanent', '{"error": "odd"}');
select pg_temp.check_equal('failed wins over review', pg_temp.state('err'), 'failed');
select pg_temp.check_equal('why', left(millrace.why((select trace_id from millrace.uploads where key = 'err')), 19), 'It failed: a: three');

-- Replay: that one and what was skipped because of it, nothing else; ready when it succeeds.
select pg_temp.check_equal('not dead', (select outcome from millrace.replay_job((select job_id from millrace.jobs where key = 'err' and job_id like '%/b'), 'me', null)), 'not_dead');
select pg_temp.check_equal('unknown', (select outcome from millrace.replay_job('trace_01H455VB4PEX5VSKNK084SN02Q/a', 'me', null)), 'not_found');
select pg_temp.check_equal('unknown step', (select outcome from millrace.replay_job((select trace_id from millrace.uploads where key = 'err') || '/zzz', 'me', null)), 'not_found');
select pg_temp.check_equal('replay', (select outcome || ' ' || (reply->>'generation') from millrace.replay_job((select job_id from millrace.dead where key = 'err' and job_id like '%/a'), 'me', 'mended')), 'replayed 1');
select pg_temp.check_equal('a and c, not b', (select string_agg(right(job_id, 2) || state, ' ' order by job_id) from millrace.jobs where key = 'err' and kind in ('ka', 'kb', 'kc')), '/aqueued /bdone /cwaiting');
select pg_temp.check_equal('open again', (select concat_ws(' ', state, finished_at, reason, generation) from millrace.upload where key = 'err'), 'routed 1');
select pg_temp.check_equal('errors count from the start', (select errors from millrace.jobs where key = 'err' and job_id like '%/a'), 0::smallint);
select pg_temp.check_equal('in the replay lane', (select class from millrace.ticket t join millrace.upload u on u.id = t.upload_id where u.key = 'err' and t.step_no = 1), 4::smallint);
select pg_temp.finish(:w, 'ka', 'done');
select pg_temp.finish(:w, 'kc', 'done');
select pg_temp.check_equal('only the review is left', pg_temp.state('err'), 'review');
select pg_temp.check_equal('and why', millrace.why((select trace_id from millrace.uploads where key = 'err')), 'Somebody should look at it: rev: odd');
select pg_temp.check_equal('the try has its generation', (select max(a.generation) from millrace.attempt a join millrace.upload u on u.id = a.upload_id where u.key = 'err'), 1::smallint);
select outcome from millrace.replay_job((select job_id from millrace.dead where key = 'err' and job_id like '%/rev'), 'me', null);
select pg_temp.finish(:w, 'kr', 'done');
select pg_temp.check_equal('ready after all', pg_temp.state('err'), 'ready');

-- A dependent of two dead jobs waits again only when the other is no longer dead; until then the upload is final.
select pg_temp.pipeline('[{"step": "a", "kind": "ka"}, {"step": "b", "kind": "kb"}, {"step": "c", "kind": "kc", "after": ["a", "b"]}]') as two \gset
do $$ begin perform pg_temp.accept(pg_temp.event('two')); end $$;
select pg_temp.route(:r, :two);
select pg_temp.finish(:w, k, 'permanent') from unnest(array['ka', 'kb']) k;
select pg_temp.check_equal('both dead', pg_temp.state('two') || ' ' || pg_temp.job_state('two', 'c'), 'failed skipped');
select outcome from millrace.replay_job((select job_id from millrace.dead where key = 'two' and job_id like '%/a'), 'me', null);
select pg_temp.finish(:w, 'ka', 'done');
select pg_temp.check_equal('b is still dead', pg_temp.state('two') || ' ' || pg_temp.job_state('two', 'c'), 'failed skipped');
select outcome from millrace.replay_job((select job_id from millrace.dead where key = 'two' and job_id like '%/b'), 'me', null);
select pg_temp.check_equal('c waits again', pg_temp.job_state('two', 'c'), 'waiting');
select pg_temp.finish(:w, 'kb', 'done');
select pg_temp.finish(:w, 'kc', 'done');
select pg_temp.check_equal('ready', pg_temp.state('two'), 'ready');

-- Both that one needs end in one call; one whose own failure is for review is skipped for want of an optional one.
select pg_temp.pipeline('[{"step": "a", "kind": "kt"}, {"step": "b", "kind": "kt"}, {"step": "c", "kind": "kc", "after": ["a", "b"]},
	{"step": "opt", "kind": "ko", "required": false}, {"step": "look", "kind": "kl", "after": ["opt"], "on_failure": "review"}]') as both \gset
do $$ begin perform pg_temp.accept(pg_temp.event('both')); end $$;
select pg_temp.route(:r, :both);
select pg_temp.finish(:w, 'kt', 'done');
select pg_temp.check_equal('free', pg_temp.job_state('both', 'c'), 'queued');
select pg_temp.finish(:w, 'kc', 'done');
select pg_temp.finish(:w, 'ko', 'permanent');
select pg_temp.check_equal('for review', pg_temp.state('both') || ' ' || pg_temp.job_state('both', 'look'), 'review skipped');

-- Replaying what decides nothing leaves a final upload final.
select pg_temp.check_equal('the note of the first upload', (select outcome from millrace.replay_job((select job_id from millrace.dead where key = 'ok'), 'me', null)), 'replayed');
select pg_temp.check_equal('stays ready', (select state || ' ' || (finished_at is not null) from millrace.upload where key = 'ok'), 'ready true');
select pg_temp.finish(:w, 'kn', 'done');
select pg_temp.check_equal('and is ready after', pg_temp.state('ok'), 'ready');

-- Crashes are counted apart; a hand-back costs nothing and is due at once.
do $$ begin perform pg_temp.accept(pg_temp.event('crash')); end $$;
select pg_temp.route(:r, :pipe);
select pg_temp.check_equal('back', pg_temp.finish(:w, 'ka', 'interrupted'), array['retry']);
select kind_no as ka from millrace.kind where name = 'ka' \gset
select class as c, pos as p, upload_id as u, step_no as s from millrace.claim_jobs(:w, :ka::smallint, 1, '{}', '{}') \gset
select pg_temp.check_equal('others are woken', (select wake from millrace.finish_jobs(:w, array[:ka]::smallint[], array[:c]::smallint[], array[:p]::bigint[],
	array[:'u']::uuid[], array[:s]::smallint[], '{interrupted}', '{1}', array[null]::bigint[], array[null]::jsonb[], '{}')), array[:ka]::smallint[]);
select pg_temp.check_equal('due at once', pg_temp.job_state('crash', 'a'), 'queued');
select pg_temp.finish(:w, 'ka', 'crash', null, 0); select millrace.promote_due(10);
select pg_temp.finish(:w, 'ka', 'crash', null, 0); select millrace.promote_due(10);
select pg_temp.check_equal('third crash', pg_temp.finish(:w, 'ka', 'crash', null, 0), array['dead']);
select pg_temp.check_equal('errors and crashes', (select errors || ' ' || crashes from millrace.jobs where key = 'crash' and kind = 'ka'), '0 3');

-- The source is gone: the upload is skipped, nothing is dead.
select pg_temp.finish(:w, k, 'done') from unnest(array['kb', 'kn', 'kr']) k;
do $$ begin perform pg_temp.accept(pg_temp.event('gone')); end $$;
select pg_temp.route(:r, :pipe);
select pg_temp.finish(:w, k, 'source_gone') from unnest(array['ka', 'kb', 'kn', 'kr']) k;
select pg_temp.check_equal('skipped', (select state || ' ' || reason from millrace.upload where key = 'gone'), 'skipped source_gone');
select pg_temp.check_equal('no dead', (select count(*) from millrace.dead where key = 'gone'), 0::bigint);

-- The fence, row by row inside a batch.
do $$ begin perform pg_temp.accept(pg_temp.event('f1'), pg_temp.event('f2')); end $$;
select pg_temp.route(:r, :pipe);
select kind_no as k from millrace.kind where name = 'ka' \gset
select array_agg(class)::text as cs, array_agg(pos)::text as ps, array_agg(upload_id)::text as us, array_agg(step_no)::text as ss
from millrace.claim_jobs(:w, :k::smallint, 10, '{}', '{}') \gset
select (:'ps'::bigint[])[1] as first \gset
select millrace.move_tickets(:w, array[:k]::smallint[], '{0}', array[:first]::bigint[]);
insert into millrace.tally_delta (kind_no, queued, running) values (:k, 1, -1);
select pg_temp.check_equal('one of two', (select array_agg(n || verdict order by n) from millrace.finish_jobs(:w, array[:k, :k]::smallint[], :'cs', :'ps', :'us', :'ss',
	'{done,done}', '{1,1}', array[null, null]::bigint[], array[null, null]::jsonb[], '{}')), array['1accepted']);
select pg_temp.check_equal('no trace of the stale one', (select count(*) from millrace.attempt where upload_id = (:'us'::uuid[])[1]), 0::bigint);

-- The counts agree with a recount.
select millrace.fold_tallies();
select pg_temp.check_equal('recount of ' || k.name, row(t.waiting, t.queued, t.running, t.retrying)::text,
	(select row(count(*) filter (where j.state = 'waiting'), count(*) filter (where j.state = 'queued'),
		count(*) filter (where j.state = 'running'), count(*) filter (where j.state = 'retrying'))::text from millrace.jobs j where j.kind = k.name))
from millrace.tallies() t join millrace.kind k on k.kind_no = t.kind_no where k.kind_no > 1;

-- And what was done in a minute is known in the next.
select pg_temp.check_equal('by minute', (select sum(done) from millrace.tally_minute), (select sum(done) from millrace.tallies()));
select pg_temp.check_equal('none in the last one', (select sum(done_per_minute) from millrace.queue_rows()), 0::numeric);
update millrace.tally_minute set minute = minute - (minute - date_trunc('minute', now())) - interval '1 minute';
select pg_temp.check_that('as many as there were', (select bool_and(q.done_per_minute = q.done) and sum(q.done) > 3 from millrace.queue_rows() q));
rollback;
