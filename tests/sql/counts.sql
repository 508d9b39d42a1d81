-- counts.sql -- what is kept of how much waits, runs and is done agrees with a recount after every kind of change.
\ir lib/helpers.sql
create function pg_temp.claim(session bigint, kind text, max integer default 1000) returns bigint language sql as $$
	select count(*) from millrace.kind k, lateral millrace.claim_jobs(session, k.kind_no, max, '{}', '{}') where k.name = claim.kind
$$;

select pg_temp.pipeline('[{"step": "a", "kind": "ka"}, {"step": "b", "kind": "kb", "after": ["a"]}, {"step": "c", "kind": "kc", "after": ["b"], "on_failure": "review"}]') as pipe \gset
select pg_temp.session('route') as r \gset
select pg_temp.session('ka', 'kb', 'kc') as w \gset
do $$ begin perform pg_temp.accept(variadic array(select pg_temp.event('k' || i) from generate_series(1, 5) i)); end $$;
select pg_temp.check_equal('five wait for the router', pg_temp.kept('route'), '(0,5,0,0)');
select pg_temp.recount('accepted');
select count(*) from millrace.claim_routes(:r, 1000, '{}', '{}');
select pg_temp.recount('routes claimed');
select millrace.close_session(:r);
select pg_temp.recount('routes handed back');
select pg_temp.session('route') as r \gset
select pg_temp.route(:r, :pipe, 'retry', '{"delay_ms": 0}');
select pg_temp.recount('routes put off');
select pg_temp.check_equal('no more than asked for', (select done from millrace.promote_due(2)), 2::bigint);
select pg_temp.recount('some routes due again');
select done from millrace.promote_due(1000);
select pg_temp.recount('routes due again');
select pg_temp.route(:r, :pipe, 'interrupted');
select pg_temp.recount('routes interrupted');
select pg_temp.route(:r, :pipe);
select pg_temp.check_equal('the tree waits', pg_temp.kept('kb'), '(5,0,0,0)');
select pg_temp.recount('routed');
select pg_temp.claim(:w, 'ka', 2);
select pg_temp.recount('two claimed');
select pg_temp.claim(:w, 'ka');
select pg_temp.recount('all claimed');
select pg_temp.check_equal('what runs counts for who scales', millrace.scale_metric('ka'), 5::bigint);
select done from millrace.rescue_workers(-1);
select pg_temp.recount('rescued');
select pg_temp.session('route') as r \gset
select pg_temp.session('ka', 'kb', 'kc') as w \gset
-- One by one: each was held by a worker that was lost.
select pg_temp.finish(:w, 'ka', 'error', null, 0) from generate_series(1, 5);
select pg_temp.check_equal('retrying', pg_temp.kept('ka'), '(0,0,0,5)');
select pg_temp.recount('retrying');
update millrace.delayed set due_at = due_at + interval '400 ms';
select pg_temp.check_that('soon', (select next_ms between 0 and 500 from millrace.promote_due(1)));
update millrace.delayed set due_at = clock_timestamp();
select done from millrace.promote_due(1000);
select pg_temp.recount('promoted');
select pg_temp.finish(:w, 'ka', 'interrupted');
select pg_temp.recount('interrupted');
select pg_temp.finish(:w, 'ka', 'done');
select pg_temp.recount('the next are free');
select pg_temp.check_equal('done', (select done from millrace.tallies() join millrace.kind using (kind_no) where name = 'ka'), 5::bigint);
select pg_temp.finish(:w, 'kb', 'permanent');
select pg_temp.recount('dead, and what needs them is skipped');
select outcome from millrace.dead d, lateral millrace.replay_job(d.job_id, 'me', null);
select pg_temp.check_equal('none is dead', (select count(*) from millrace.dead), 0::bigint);
select pg_temp.recount('replayed');
select pg_temp.finish(:w, 'kb', 'done');
select pg_temp.finish(:w, 'kc', 'done');
select pg_temp.recount('all done');

-- Those that take worker after worker with them, and are ended.
do $$ begin perform pg_temp.accept(pg_temp.event('killer')); end $$;
do $$
declare r bigint;
begin
	for i in 1..10 loop
		r := pg_temp.session('route');
		perform from millrace.claim_routes(r, 1, '{}', '{}');
		perform from millrace.rescue_workers(-1);
	end loop;
end $$;
select pg_temp.check_equal('the upload is dead', (select count(*) from millrace.dead where kind = 'route'), 1::bigint);
select pg_temp.recount('a routing ended');
select outcome from millrace.dead d, lateral millrace.replay_job(d.job_id, 'me', null) where d.kind = 'route';
select pg_temp.recount('routed again');
select pg_temp.session('route') as r \gset
select pg_temp.route(:r, :pipe);
do $$
declare w bigint;
begin
	for i in 1..10 loop
		w := pg_temp.session('ka');
		perform pg_temp.claim(w, 'ka');
		perform from millrace.rescue_workers(-1);
	end loop;
end $$;
select pg_temp.check_equal('the job is dead, and its upload final', (select count(*) from millrace.dead where kind = 'ka') || ' ' || pg_temp.state('killer'), '1 failed');
select pg_temp.recount('a job ended');
rollback;
