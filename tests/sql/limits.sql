-- limits.sql -- limits of kinds and groups, turns, lanes, pauses; changed while jobs wait.
\ir lib/helpers.sql
select pg_temp.session('route') as r \gset
select pg_temp.session('ka') as w \gset
select (select kind_no from millrace.kind where name = 'ka') as ka \gset

create function pg_temp.limits(kind jsonb) returns integer language sql as $$
	select pg_temp.pipeline('[{"step": "a", "kind": "ka"}]', jsonb_build_object('ka', kind))
$$;
-- n uploads of a bucket, routed.
create function pg_temp.arrive(bucket text, n integer, router bigint, pipeline integer) returns void language plpgsql as $$
begin
	perform pg_temp.accept(variadic array(select pg_temp.event(bucket || i || random(), jsonb_build_object('bucket', bucket))
		from generate_series(1, n) i));
	perform pg_temp.route(router, pipeline);
end $$;
-- "bucket n, …" of what is claimed now and not finished.
create function pg_temp.running() returns text language sql as $$
	select string_agg(bucket || ' ' || n, ', ' order by bucket)
	from (select u.bucket, count(*) as n from millrace.ticket t join millrace.upload u on u.id = t.upload_id
		where t.session <> 0 and t.kind_no <> 1 group by 1) s
$$;
create function pg_temp.claim(session bigint, max integer default 1000) returns bigint language sql as $$
	select count(*) from millrace.kind k, lateral millrace.claim_jobs(session, k.kind_no, max, '{}', '{}') where k.name = 'ka'
$$;
-- Finishes what is held of a bucket, at most n of it.
create function pg_temp.end_some(session bigint, bucket text, n integer, outcome text default 'done') returns void language plpgsql as $$
declare
	woken smallint[];
begin
	select f.wake into woken
	from (select array_agg(t.kind_no) as kinds, array_agg(t.class) as classes, array_agg(t.position) as positions,
			array_agg(t.upload_id) as ids, array_agg(t.step_no) as steps, array_agg(outcome) as outcomes,
			array_agg(1::bigint) as ran, array_agg(null::bigint) as delays, array_agg(null::jsonb) as details
		from (select t.* from millrace.ticket t join millrace.upload u on u.id = t.upload_id
			where t.session = end_some.session and u.bucket = end_some.bucket limit n) t) a,
		lateral millrace.finish_jobs(session, a.kinds, a.classes, a.positions, a.ids, a.steps, a.outcomes, a.ran, a.delays, a.details, '{}') f
	limit 1;
	perform millrace.wake(woken);
end $$;
-- All that is there, whatever the limits.
create function pg_temp.drain(session bigint) returns void language plpgsql as $$
begin
	for i in 1..100 loop
		perform done from millrace.admit_all();
		perform pg_temp.claim(session);
		perform pg_temp.end_some(session, b.bucket, 1000) from (select distinct u.bucket from millrace.upload u) b;
		exit when not exists (select from millrace.ticket t where t.kind_no <> 1) and not exists (select from millrace.parked);
	end loop;
end $$;

-- A limit over the kind.
select pg_temp.limits('{"limit": 3}') as pipe \gset
select pg_temp.arrive('x', 10, :r, :pipe);
select pg_temp.check_equal('nothing before its turn', pg_temp.claim(:w), 0::bigint);
select array_agg(upload_id order by position)::text as line from millrace.parked \gset
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.check_equal('three', pg_temp.claim(:w), 3::bigint);
select pg_temp.check_equal('the first in line, although all came at one moment', (select array_agg(upload_id order by position) from millrace.ticket where session = :w), (:'line'::uuid[])[1:3]);
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.check_equal('no more', pg_temp.claim(:w), 0::bigint);
select pg_temp.end_some(:w, 'x', 2);
select pg_temp.check_equal('two more', pg_temp.claim(:w), 2::bigint);
select pg_temp.check_equal('three run', pg_temp.running(), 'x 3');
select pg_temp.check_that('books', pg_temp.books_balance());
select pg_temp.check_equal('what waits for its turn is queued', (select queued || ' ' || running from millrace.queue_rows() where kind = 'ka'), '5 3');

-- Handed back and lost ones keep their places; snoozed ones wait in line again.
select pg_temp.end_some(:w, 'x', 1, 'interrupted');
select pg_temp.check_equal('handed back', pg_temp.claim(:w), 1::bigint);
select pg_temp.end_some(:w, 'x', 1, 'snoozed');
select pg_temp.check_equal('another for the snoozed one', pg_temp.claim(:w), 1::bigint);
update millrace.delayed set due_at = '-infinity';
select done as promoted from millrace.promote_due(10) \gset
select pg_temp.check_equal('due again', :promoted::bigint, 1::bigint);
select pg_temp.check_equal('in line', (select count(*) from millrace.parked), 5::bigint);
select done from millrace.rescue_workers(-1);
select pg_temp.session('route') as r \gset
select pg_temp.session('ka') as w \gset
select pg_temp.check_equal('of a lost worker, one by one', (select array_agg(pg_temp.claim(:w)) from generate_series(1, 3)), '{1,1,1}'::bigint[]);
select pg_temp.check_that('books after a rescue', pg_temp.books_balance());

-- More while it runs; less: what nobody has claimed yet goes back.
select pg_temp.limits('{"limit": 5}') as pipe \gset
select done from millrace.admit_all();
select pg_temp.check_equal('two more at once', pg_temp.claim(:w, 1), 1::bigint);
select pg_temp.limits('{"limit": 2}') as pipe \gset
select pg_temp.check_equal('none while it changes', pg_temp.claim(:w), 0::bigint);
select done from millrace.admit_all();
select pg_temp.check_equal('none over the new limit', pg_temp.claim(:w), 0::bigint);
select pg_temp.check_equal('four run', pg_temp.running(), 'x 4');
select pg_temp.check_that('books after a change', pg_temp.books_balance());
select pg_temp.end_some(:w, 'x', 3);
select pg_temp.check_equal('one more', pg_temp.claim(:w), 1::bigint);
select pg_temp.limits('{}') as pipe \gset
select done from millrace.admit_all();
select pg_temp.check_equal('no limit any more', pg_temp.claim(:w), 3::bigint);
select pg_temp.end_some(:w, 'x', 10);
select pg_temp.check_that('books at the end', pg_temp.books_balance());
select pg_temp.check_equal('folded still, by who ended the last ones', (select count(*) from millrace.group_delta where kind_no = :ka), 0::bigint);
select pg_temp.check_equal('nothing is left', (select count(*) from millrace.parked), 0::bigint);
select done from millrace.admit_all();
select pg_temp.check_equal('nobody is left in line', (select count(*) from millrace.group_line), 0::bigint);
select pg_temp.check_equal('no group has anything', (select count(*) from millrace.group_live where parked <> 0 or admitted <> 0 or in_line), 0::bigint);

-- A limit for what already waits.
select pg_temp.arrive('x', 6, :r, :pipe);
select pg_temp.check_equal('one runs', pg_temp.claim(:w, 1), 1::bigint);
select pg_temp.limits('{"limit": 2, "timeout_s": 7}') as pipe \gset
select done from millrace.admit_all();
select pg_temp.check_equal('two of the waiting', pg_temp.claim(:w), 2::bigint);
select pg_temp.check_that('books with one from before', pg_temp.books_balance());
select pg_temp.drain(:w);
select pg_temp.check_equal('all done', (select count(*) from millrace.job where state <> 'done'), 0::bigint);

-- Groups: a limit for each, and turns.
select pg_temp.limits('{"group": "bucket", "group_limit": 2}') as pipe \gset
select pg_temp.arrive('big', 30, :r, :pipe);
select pg_temp.arrive('small', 1, :r, :pipe);
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.check_equal('each its own', pg_temp.claim(:w), 3::bigint);
select pg_temp.check_equal('two of the big, one of the small', pg_temp.running(), 'big 2, small 1');
select pg_temp.arrive('late', 3, :r, :pipe);
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.claim(:w);
select pg_temp.check_equal('a new group does not wait for the big one', pg_temp.running(), 'big 2, late 2, small 1');
select pg_temp.end_some(:w, 'big', 1);
select pg_temp.check_equal('one for one that has ended', pg_temp.claim(:w), 1::bigint);
select pg_temp.check_equal('and no more than two', pg_temp.running(), 'big 2, late 2, small 1');
select pg_temp.check_that('books of groups', pg_temp.books_balance());
select pg_temp.check_equal('of a bucket', (select array_agg(name order by name) from millrace.job_group where kind_no = :ka and name <> ''), array['big', 'late', 'small']);

-- A round gives each group the same, or its weight times as much.
select pg_temp.limits('{"limit": 60, "group": "bucket"}') as pipe \gset
select pg_temp.drain(:w);
select pg_temp.arrive('big', 70, :r, :pipe);
select pg_temp.arrive('late', 30, :r, :pipe);
select done from millrace.admit_all();
select pg_temp.claim(:w);
select pg_temp.check_equal('the rest of the round is for who has more', pg_temp.running(), 'big 30, late 30');
select pg_temp.drain(:w);
-- The light one comes first in a round, so that the heavy one does not have more for being first.
select pg_temp.check_that('as heavy as any', millrace.weigh_group('ka', 'light', 1, 'me', 'test'));
select pg_temp.check_that('heavier', millrace.weigh_group('ka', 'heavy', 3, 'me', 'test'));
do $$ begin
	perform millrace.weigh_group('ka', 'heavy', 101, 'me', 'test');
	raise exception 'too heavy, and taken';
exception when sqlstate '22023' then null; end $$;
select pg_temp.check_that('no such kind', not millrace.weigh_group('nothing', 'heavy', 3, 'me', 'test'));
select pg_temp.limits('{"limit": 40, "group": "bucket"}') as pipe \gset
select done from millrace.admit_all();
select pg_temp.arrive('heavy', 100, :r, :pipe);
select pg_temp.arrive('light', 100, :r, :pipe);
select millrace.wake(array[:ka]::smallint[]);
select pg_temp.claim(:w);
select pg_temp.check_equal('three times as much', pg_temp.running(), 'heavy 30, light 10');
select pg_temp.check_that('books of weights', pg_temp.books_balance());
select pg_temp.check_that('lighter again, while it waits', millrace.weigh_group('ka', 'heavy', 1, 'me', 'test'));
select pg_temp.check_equal('from its next turn on', (select l.weight from millrace.group_live l join millrace.job_group g using (group_no) where g.name = 'heavy'), 1::smallint);

-- What a group is called.
select pg_temp.check_equal('template', millrace.group_name('{store}/{key.2}-{metadata.account}:{type}{key.9}',
	(select row(u.*)::millrace.upload from (select * from millrace.upload limit 1) u)), 's3/-:');
select pg_temp.check_equal('values are not templates', (select millrace.group_name('{key.1}|{key.2}|{metadata.account}', u) from jsonb_populate_record(
	null::millrace.upload, '{"key": "{bucket}/b", "bucket": "B", "metadata": {"account": "{key.1}"}}') u), '{bucket}|b|{key.1}');

select pg_temp.check_equal('what was seen in the file counts for its type', (select millrace.group_name('{type}', u) from jsonb_populate_record(
	null::millrace.upload, '{"content_type": "text/plain", "sniffed_type": "application/pdf"}') u), 'application/pdf');

-- Pauses.
select pg_temp.check_equal('paused', (select outcome from millrace.pause_kind('ka', true, 'me', 'why')), 'paused');
select pg_temp.check_equal('again', (select outcome from millrace.pause_kind('ka', true, 'me', 'why')), 'unchanged');
select pg_temp.check_equal('unknown', (select outcome from millrace.pause_kind('no', true, 'me', 'why')), 'not_found');
select pg_temp.end_some(:w, 'heavy', 100);
select pg_temp.check_equal('nothing while paused', pg_temp.claim(:w), 0::bigint);
select pg_temp.check_equal('scales to nothing', millrace.scale_metric('ka'), 0::bigint);
select pg_temp.check_equal('resumed', (select row(outcome, wake)::text from millrace.pause_kind('ka', false, 'me', 'why')), row('resumed', array[:ka])::text);
select pg_temp.check_that('claimed again', pg_temp.claim(:w) > 0);
select pg_temp.check_equal('who did it', (select array_agg(action order by audit_no) from millrace.audit), array['weigh', 'weigh', 'weigh', 'pause', 'resume']);

-- With room for one, the next is of the next group, however many wait of the one before.
select pg_temp.drain(:w);
select pg_temp.limits('{"limit": 1, "group": "bucket"}') as pipe \gset
select pg_temp.arrive('g1', 9, :r, :pipe);
select pg_temp.arrive('g2', 3, :r, :pipe);
select pg_temp.arrive('g3', 2, :r, :pipe);
create function pg_temp.next_ones(session bigint, n integer) returns text language plpgsql as $$
declare
	got text[] := '{}';
begin
	for i in 1..n loop
		perform done from millrace.admit_all();
		perform pg_temp.claim(session);
		got := got || pg_temp.running();
		perform pg_temp.end_some(session, b.bucket, 1000) from (select distinct u.bucket from millrace.upload u) b;
	end loop;
	return (select string_agg(g, ', ' order by g) from unnest(got) g);
end $$;
select pg_temp.check_equal('each once', pg_temp.next_ones(:w, 3), 'g1 1, g2 1, g3 1');
select pg_temp.check_equal('and once more', pg_temp.next_ones(:w, 3), 'g1 1, g2 1, g3 1');

-- Lanes: live first, but a share for what is below it.
select pg_temp.session('kl') as l \gset
select pg_temp.pipeline('[{"step": "a", "kind": "kl"}]') as pipe \gset
select kind_no as kl from millrace.kind where name = 'kl' \gset
select pg_temp.arrive('l', 100, :r, :pipe);
insert into millrace.ticket (kind_no, class, attempt, step_no, upload_id)
select kind_no, 4, attempt, step_no, upload_id from millrace.ticket where kind_no = :kl and class = 0;
select pg_temp.check_equal('eight to two', (select array_agg(n order by class) from (select class, count(*) as n
	from millrace.claim_jobs(:l, :kl::smallint, 50, '{}', '{}') group by class) s), array[40, 10]::bigint[]);
select pg_temp.check_that('one at a time, too', (select count(*) filter (where c.class = 4) between 1 and 54
	from generate_series(1, 55) n, lateral millrace.claim_jobs(:l, :kl::smallint, 1 + 0 * n, '{}', '{}') c));
rollback;
