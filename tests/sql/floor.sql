-- floor.sql -- who delays something is due after all that was promoted; what a program learns of the schema.
\ir lib/helpers.sql
select pg_temp.pipeline('[{"step": "a", "kind": "ka"}]') as pipe \gset
select pg_temp.session('route') as r \gset
select pg_temp.session('ka') as w \gset
do $$ begin perform pg_temp.accept(pg_temp.event('job')); end $$;
select pg_temp.route(:r, :pipe);
do $$ begin perform pg_temp.accept(pg_temp.event('routing')); end $$;
update millrace.due_mark set next_at = now() + interval '1 h';
select pg_temp.finish(:w, 'ka', 'error', null, 0);
select pg_temp.route(:r, :pipe, 'retry', '{"delay_ms": 0}');
select pg_temp.check_equal('both', (select array_agg(due_at = now() + interval '1 h') from millrace.delayed), '{t,t}');
select pg_temp.check_equal('every migration, in order, from the first', (select array_agg(v.id) from millrace.schema_version() v),
	(select array_agg(n) from generate_series(1, (select max(m.id) from millrace.migration m)) n));

-- The mark is one row, which is written only when it moves.
update millrace.due_mark set next_at = '-infinity';
update millrace.delayed set due_at = now() - interval '1 h';
select count(p.done) from generate_series(1, 4) n, lateral (select * from millrace.promote_due(10 + 0 * n)) p;
select gen as before from millrace.due_mark \gset
select count(p.done) from generate_series(1, 4) n, lateral (select * from millrace.promote_due(10 + 0 * n)) p;
select pg_temp.check_equal('as it was', (select array_agg(gen) from millrace.due_mark), array[:before]::bigint[]);
select pg_temp.check_that('after it had moved', :before > 1);
rollback;
