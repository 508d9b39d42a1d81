-- turns.sql -- what comes into a limited kind by other ways than a new upload: lanes, dependents, retries, the dead.
\ir lib/helpers.sql
select pg_temp.session('route') as r \gset
select pg_temp.session('ka') as w \gset
select kind_no as ka from millrace.kind where name = 'ka' \gset
create function pg_temp.limits(kind jsonb) returns integer language sql as $$
	select pg_temp.pipeline('[{"step": "a", "kind": "kfirst"}, {"step": "b", "kind": "ka", "after": ["a"]}, {"step": "c", "kind": "ka"}]',
		jsonb_build_object('ka', kind))
$$;
create function pg_temp.places() returns text language sql as $$
	select format('%s free, %s held, %s parked', count(*) filter (where session = 0), count(*) filter (where session <> 0),
		(select count(*) from millrace.parked)) from millrace.ticket t join millrace.kind k using (kind_no) where k.name = 'ka'
$$;
create function pg_temp.kept() returns text language sql as $$
	select format('%s parked, %s admitted', coalesce(sum(parked), 0), coalesce(sum(admitted), 0)) from (
		select parked, admitted from millrace.group_live union all select parked, admitted from millrace.group_delta) s
$$;

-- One waits for its dependency, one is put off, and only then the kind gets its limit.
select pg_temp.limits('{}') as pipe \gset
do $$ begin perform pg_temp.accept(pg_temp.event('1'), pg_temp.event('2')); end $$;
select pg_temp.route(:r, :pipe);
select pg_temp.finish(:w, 'ka', 'snoozed', null, 0);
select pg_temp.limits('{"limit": 1}');
select pg_temp.check_that('why', millrace.why((select trace_id from millrace.uploads where key = '1')) like '%c tries again%');
select done from millrace.admit_all();
select done from millrace.promote_due(10);
select pg_temp.check_equal('what was put off waits for its turn', pg_temp.places(), '0 free, 0 held, 2 parked');
select pg_temp.session('kfirst') as f \gset
select pg_temp.finish(:f, 'kfirst', 'done');
select pg_temp.check_equal('what is freed, too', pg_temp.places(), '0 free, 0 held, 4 parked');
select pg_temp.check_equal('the keeper lets one in, and says whom to wake', (select row(done, wake)::text from millrace.admit_all()), row(1, array[:ka])::text);
select pg_temp.check_equal('one', pg_temp.places(), '1 free, 0 held, 3 parked');
create function pg_temp.why() returns text[] language sql as $$
	select array_agg(distinct w) from millrace.uploads u, regexp_split_to_table(millrace.why(u.trace_id), '; ') w where u.key in ('1', '2')
$$;
select pg_temp.check_that('why the others wait', 'c waits for its turn: 1 of ka run or are about to, 1 may' = any (pg_temp.why()));
select pg_temp.limits('{"limit": 1}');
select pg_temp.pipeline('[{"step": "x", "kind": "kx"}]');
select pg_temp.check_equal('the same again, or a pipeline without the kind, changes nothing', (select row(parking, run_limit)::text from millrace.kind where kind_no = :ka), '(f,1)');

-- Ten times lost: dead, and its place is another's.
do $$
declare w bigint;
begin
	for i in 1..10 loop
		w := pg_temp.session('ka');
		perform from millrace.kind k, lateral millrace.claim_jobs(w, k.kind_no, 9, '{}', '{}') where k.name = 'ka';
		perform from millrace.rescue_workers(-1);
	end loop;
end $$;
select pg_temp.check_equal('dead', (select count(*) from millrace.dead where kind = 'ka'), 1::bigint);
select pg_temp.check_equal('its place is free', pg_temp.kept(), '3 parked, 0 admitted');
select done from millrace.admit_all();
select pg_temp.check_equal('and taken', pg_temp.places(), '1 free, 0 held, 2 parked');

-- A group's limit as a reason, and a limit that has just changed.
select pg_temp.session('ka') as w \gset
select pg_temp.limits('{"group": "bucket", "group_limit": 1}') as pipe \gset
select pg_temp.check_that('just changed', 'b waits, because the limits of ka have just changed' = any (pg_temp.why()));
select done from millrace.admit_all();
select pg_temp.check_that('its group', exists (select from unnest(pg_temp.why()) w where w like '% waits for its turn: 1 of ka run or are about to, and that is the limit'));

-- Of ten places a fifth is for what is below live.
select pg_temp.session('route') as r \gset
select pg_temp.limits('{"limit": 11}') as pipe \gset
do $$ begin perform pg_temp.accept(variadic array(select pg_temp.event('n' || i) from generate_series(1, 60) i)); end $$;
update millrace.upload set lane = 1 where key like 'n%0';
select pg_temp.route(:r, :pipe);
select done from millrace.admit_all();
select pg_temp.check_that('some, and not all', count(*) filter (where class >= 4) between 1 and 3 and count(*) = 11) from millrace.ticket where kind_no = :ka;
rollback;
