-- lease.sql -- sessions: rescue, hand-back, reconnect; the sweep of late tickets.
\ir lib/helpers.sql
select pg_temp.pipeline('[{"step": "a", "kind": "ka"}, {"step": "b", "kind": "kb"}]') as pipe \gset
select pg_temp.session('route') as r \gset
do $$ begin perform pg_temp.accept(pg_temp.event('1'), pg_temp.event('2'), pg_temp.event('3')); end $$;
select pg_temp.route(:r, :pipe);
select kind_no as ka from millrace.kind where name = 'ka' \gset

-- Silent for long enough: the tickets are free, at new positions, with a lost attempt that does not count.
select pg_temp.session('ka') as w \gset
select array_agg(pos)::text as held from millrace.claim_jobs(:w, :ka::smallint, 2, '{}', '{}') \gset
update millrace.worker set seen_at = now() + interval '1 h' where session = :w;
select pg_temp.check_equal('a live one keeps them', (select done from millrace.rescue_workers(0)), 0::bigint);
-- A connection that is younger than that has not seen who was silent, or why: the server may just be back.
update millrace.worker set seen_at = now() - interval '1 day' where session = :w;
select pg_temp.check_equal('who has just connected takes none for dead', (select done from millrace.rescue_workers(3600000)), 0::bigint);
select pg_temp.check_equal('heartbeat', millrace.heartbeat(:w, '{}', '{}', '{}', '{}'), true);
select pg_temp.check_equal('rescue', (select row(done, wake)::text from millrace.rescue_workers(-1)), row(2, array[:ka])::text);
select pg_temp.check_equal('gone', millrace.heartbeat(:w, '{}', '{}', '{}', '{}'), false);
select pg_temp.check_that('new positions', not exists (select from millrace.ticket where position = any (:'held'::bigint[])));
select pg_temp.check_equal('lost, not counted', (select array_agg(tries || ' ' || errors || ' ' || losses) from millrace.jobs where kind = 'ka' and losses > 0), array['1 0 1', '1 0 1']);
select pg_temp.check_equal('on record', (select count(*) from millrace.attempt where outcome = 'lost'), 2::bigint);
do $$ begin
	perform * from millrace.claim_jobs(1, 1::smallint, 1, '{}', '{}');
	raise exception 'a claim without a session went through';
exception when sqlstate 'MR001' then null; end $$;

-- A reconnect takes nothing that is another's.
select pg_temp.session('ka') as other \gset
select pg_temp.session('ka') as w \gset
select pos as theirs from millrace.claim_jobs(:other, :ka::smallint, 1, '{}', '{}') \gset
select session as w2, kept::text as kept from millrace.reopen_session(:w, 'w2', 'h', '1', '{ka}', 4, array[:ka]::smallint[], '{0}', array[:theirs]::bigint[]) \gset
select pg_temp.check_equal('not kept', :'kept'::boolean[], '{f}');
select pg_temp.check_equal('with whom it was', (select session from millrace.ticket where position = :theirs), :other::integer);
select millrace.close_session(s) from unnest(array[:w2, :other]::bigint[]) s;

-- A reconnect keeps what the worker knows of, and gives back what it does not.
select pg_temp.session('ka') as w \gset
select array_agg(class order by pos)::text as cs, array_agg(pos order by pos)::text as ps, array_agg(upload_id order by pos)::text as us, array_agg(step_no)::text as ss
from (select * from millrace.claim_jobs(:w, :ka::smallint, 3, '{}', '{}') union all select * from millrace.claim_jobs(:w, :ka::smallint, 3, '{}', '{}')
	union all select * from millrace.claim_jobs(:w, :ka::smallint, 3, '{}', '{}')) c \gset
select pg_temp.check_equal('all three', cardinality(:'ps'::bigint[]), 3);
select session as w2, kept::text as kept from millrace.reopen_session(:w, 'w2', 'h', '1', '{ka}', 4, array[:ka, :ka]::smallint[], '{0,0}', array[(:'ps'::bigint[])[1], -5]::bigint[]) \gset
select pg_temp.check_equal('kept', :'kept'::boolean[], array[true, false]);
select pg_temp.check_that('a new number', :w2 <> :w);
select pg_temp.check_equal('the old number is stale, the new one is not', (select array_agg(s.n || f.verdict) from (values (:w), (:w2)) s (n), lateral millrace.finish_jobs(s.n,
	array[:ka]::smallint[], '{0}', array[(:'ps'::bigint[])[1]], array[(:'us'::uuid[])[1]], '{1}', '{done}', '{1}', array[null]::bigint[], array[null]::jsonb[], '{}') f),
	array[:w2 || 'accepted']);
select pg_temp.check_equal('two went back unburnt', (select count(*) from millrace.jobs where kind = 'ka' and state = 'queued' and errors = 0), 2::bigint);
select pg_temp.check_equal('a grant names what was kept', (select count(*) from millrace.lease_grant where session = :w2), 1::bigint);

-- A drain hands back at once.
select count(*) from millrace.claim_jobs(:w2, :ka::smallint, 2, '{}', '{}');
select pg_temp.check_equal('close', millrace.close_session(:w2), array[:ka]::smallint[]);
select pg_temp.check_equal('all free', (select count(*) from millrace.jobs where kind = 'ka' and state = 'queued'), 2::bigint);
select pg_temp.check_equal('nobody there', (select count(*) from millrace.workers where kinds = '{ka}'), 0::bigint);

-- A job that takes worker after worker with it is dead in the end: it was all that they held.
do $$
declare w bigint; k smallint := (select kind_no from millrace.kind where name = 'kb');
begin
	for i in 1..30 loop
		w := pg_temp.session('kb');
		perform * from millrace.claim_jobs(w, k, 1, '{}', '{}');
		perform millrace.rescue_workers(-1);
	end loop;
end $$;
select pg_temp.check_equal('after three times each', (select array_agg(kind || ' ' || error_class || ' ' || attempts) from millrace.dead),
	array['kb lost 3', 'kb lost 3', 'kb lost 3']);

-- The same for an upload that takes router after router with it.
do $$ begin perform pg_temp.accept(pg_temp.event('router killer')); end $$;
do $$
declare r bigint;
begin
	for i in 1..3 loop
		r := pg_temp.session('route');
		perform * from millrace.claim_routes(r, 1, '{}', '{}');
		perform millrace.rescue_workers(-1);
	end loop;
end $$;
select pg_temp.check_equal('failed, and dead', (select state || ' ' || reason from millrace.upload where key = 'router killer') ||
	(select ' ' || kind from millrace.dead where key = 'router killer'), 'failed lost route');
select pg_temp.check_equal('no ticket left', (select count(*) from millrace.ticket where kind_no = 1), 0::bigint);

-- A ticket below the mark is found, once everything that ran then has ended.
select pg_temp.session('ka') as w \gset
select pg_temp.finish(:w, 'ka', 'done') from generate_series(1, 2);
do $$ begin perform pg_temp.accept(pg_temp.event('late 1'), pg_temp.event('late 2')); end $$;
select pg_temp.session('route') as r \gset
select pg_temp.route(:r, :pipe);
select millrace.heartbeat(:w, array[:ka]::smallint[], '{0}', array[(select max(position) from millrace.ticket)], '{}');
select pg_temp.check_equal('behind the mark nobody sees it', (select count(*) from millrace.claim_jobs(:w, :ka::smallint, 10, '{}', '{}')), 0::bigint);
select pg_temp.check_equal('a range is noted', (select done from millrace.sweep_tickets()), 0::bigint);
select pg_temp.check_that('for this class', exists (select from millrace.mark where kind_no = :ka and class = 0 and noted > swept));
-- This very transaction ran then: only as it ends does the range close. That end is played here.
update millrace.mark set closes = pg_snapshot_xmin(pg_current_snapshot());
select pg_temp.check_that('swept, and whom to wake', (select done >= 2 and :ka = any (wake) from millrace.sweep_tickets()));
select pg_temp.check_that('and seen again', (select count(*) >= 2 from millrace.claim_jobs(:w, :ka::smallint, 10, '{}', '{}')));
rollback;
