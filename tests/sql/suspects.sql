-- suspects.sql -- what a worker held that died: it runs alone, and only what was alone can be guilty.
\ir lib/helpers.sql
select pg_temp.pipeline('[{"step": "a", "kind": "ka"}]') as pipe \gset
select pg_temp.session('route') as r \gset
do $$ begin perform pg_temp.accept(variadic array(select pg_temp.event(i::text) from generate_series(1, 8) i)); end $$;
select pg_temp.route(:r, :pipe);
select kind_no as ka from millrace.kind where name = 'ka' \gset

create function pg_temp.claim(session bigint, held integer default 0, max integer default 3) returns bigint language sql as $$
	select count(*) from millrace.claim_jobs(session, (select kind_no from millrace.kind where name = 'ka'), max, '{}', '{}', held)
$$;
create function pg_temp.hurt() returns text language sql as $$
	select concat_ws(' ', count(*) filter (where j.losses > 0), sum(j.losses), sum(j.crashes), sum(j.errors)) from millrace.job j
$$;
-- Finishes whatever this session holds.
create function pg_temp.end_all(p_session bigint, outcome text default 'done') returns bigint language sql as $$
	select count(f.n)
	from (select array_agg(t.kind_no) as k, array_agg(t.class) as c, array_agg(t.position) as p, array_agg(t.upload_id) as u,
			array_agg(t.step_no) as s, array_agg(outcome) as o, array_agg(1::bigint) as ran, array_agg(0::bigint) as delay,
			array_agg(null::jsonb) as d
		from millrace.ticket t where t.session = p_session) a,
		lateral millrace.finish_jobs(p_session, a.k, a.c, a.p, a.u, a.s, a.o, a.ran, a.delay, a.d, '{}') f
	where a.k is not null
$$;

-- Three went down together: all are suspects, none is guilty.
select pg_temp.session('ka') as w \gset
select pg_temp.check_equal('three', pg_temp.claim(:w), 3::bigint);
select done from millrace.rescue_workers(-1);
select pg_temp.check_equal('in company', pg_temp.hurt(), '3 3 0 0');

-- Who holds something gets none of them, and takes its turn; others go on with the rest; who holds nothing gets one, alone.
select pg_temp.session('ka') as busy \gset
select pg_temp.session('ka') as other \gset
select pg_temp.session('ka') as idle \gset
select pg_temp.check_equal('the first that is busy gets nothing more', pg_temp.claim(:busy, 1), 0::bigint);
select pg_temp.check_equal('the second goes on', pg_temp.claim(:other, 1, 2), 2::bigint);
select pg_temp.check_equal('the idle one gets one', pg_temp.claim(:idle), 1::bigint);
select pg_temp.check_that('it is a suspect', (select class >= 16 from millrace.ticket where session = :idle));
select pg_temp.check_equal('still its turn', pg_temp.claim(:busy, 1), 0::bigint);
select pg_temp.check_equal('then it is idle, and has one', pg_temp.claim(:busy), 1::bigint);
select pg_temp.check_equal('nobody has a turn', (select count(*) from millrace.suspect_turn), 0::bigint);
select pg_temp.check_equal('the second has it now', pg_temp.claim(:other, 2), 0::bigint);
select pg_temp.end_all(:idle);
select pg_temp.check_equal('the idle one gets the last', pg_temp.claim(:idle), 1::bigint);
select pg_temp.check_equal('no suspect waits, so the second goes on', pg_temp.claim(:other, 2, 1), 1::bigint);
select pg_temp.check_equal('and has no turn', (select count(*) from millrace.suspect_turn), 0::bigint);

-- A turn of one that is gone goes to another.
insert into millrace.suspect_turn values (:ka, 4711);
select pg_temp.check_equal('a suspect is handed back', millrace.close_session(:idle), array[:ka]::smallint[]);
select pg_temp.check_equal('and stays one', (select count(*) from millrace.ticket where session = 0 and class >= 16), 1::bigint);
select pg_temp.check_equal('taken over', pg_temp.claim(:other, 3), 0::bigint);
select pg_temp.check_equal('by it', (select session from millrace.suspect_turn), :other::bigint);

-- A suspect whose worker survived is none any more, however it ended.
select pg_temp.check_equal('an error', pg_temp.end_all(:busy, 'error'), 1::bigint);
select pg_temp.check_equal('in its old class', (select j.class from millrace.job j where j.state = 'retrying'), 0::smallint);
select done from millrace.promote_due(10);
select pg_temp.check_equal('and so is its ticket', (select array_agg(t.class) from millrace.ticket t join millrace.job j using (upload_id, step_no) where j.errors = 1), '{0}'::smallint[]);

-- What goes down alone is guilty: dead after three times. What shared a worker in between counts nothing.
select pg_temp.end_all(:other);
select pg_temp.session('ka') as w \gset
select pg_temp.finish(:w, 'ka', 'done') from generate_series(1, 5);
select pg_temp.check_equal('all done', (select count(*) from millrace.job where state = 'done'), 8::bigint);
do $$ begin perform pg_temp.accept(pg_temp.event('killer'), pg_temp.event('neighbour')); end $$;
select pg_temp.session('route') as r \gset
select pg_temp.route(:r, :pipe);
select pg_temp.session('ka') as w \gset
select pg_temp.check_equal('two', pg_temp.claim(:w, 0, 2), 2::bigint);
select done from millrace.rescue_workers(-1);
do $$
declare
	w bigint;
	k uuid := (select id from millrace.upload where key = 'killer');
begin
	for i in 1..5 loop
		w := pg_temp.session('ka');
		exit when pg_temp.claim(w) = 0;
		if exists (select from millrace.ticket t where t.session = w and t.upload_id = k) then
			perform millrace.rescue_workers(-1);
		else
			perform pg_temp.end_all(w);
		end if;
	end loop;
end $$;
select pg_temp.check_equal('the killer is dead, its neighbour done', (select array_agg(key || ' ' || state || ' ' || crashes || ' ' || losses order by key) from millrace.jobs
	where key in ('killer', 'neighbour')), array['killer failed 3 4', 'neighbour done 0 1']);
select pg_temp.check_equal('a dead letter', (select array_agg(key || ' ' || error_class) from millrace.dead), array['killer lost']);
select millrace.fold_tallies();
select pg_temp.check_equal('recount', row(t.waiting, t.queued, t.running, t.retrying)::text, '(0,0,0,0)') from millrace.tallies() t where t.kind_no = :ka;

-- Replayed, it is in its lane and no suspect.
select outcome from millrace.replay_job((select job_id from millrace.dead), 'me', null);
select pg_temp.check_equal('replay', (select array_agg(class) from millrace.ticket where kind_no = :ka), '{4}'::smallint[]);

-- Routings are suspects too.
do $$ begin perform pg_temp.accept(pg_temp.event('r1'), pg_temp.event('r2')); end $$;
select pg_temp.session('route') as r \gset
select pg_temp.check_equal('both', (select count(*) from millrace.claim_routes(:r, 10, '{}', '{}')), 2::bigint);
select done from millrace.rescue_workers(-1);
select pg_temp.session('route') as r \gset
select pg_temp.check_equal('alone', (select count(*) from millrace.claim_routes(:r, 10, '{}', '{}')), 1::bigint);
select pg_temp.check_equal('none is guilty', (select sum(route_crashes) from millrace.upload), 0::bigint);
select done from millrace.rescue_workers(-1);
select pg_temp.check_equal('one is', (select sum(route_crashes) from millrace.upload), 1::bigint);
rollback;
