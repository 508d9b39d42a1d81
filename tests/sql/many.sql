-- many.sql -- an upload with so many jobs that finishes only note what they changed: it ends as one with few does.
\ir lib/helpers.sql
select pg_temp.pipeline((select jsonb_agg(jsonb_build_object('step', 's' || i, 'kind', case when i = 1 then 'kodd' else 'kmany' end,
	'on_failure', case when i = 1 then 'review' else 'fail' end)) from generate_series(1, 110) i)) as pipe \gset
select pg_temp.session('route') as r \gset
select pg_temp.session('kmany', 'kodd') as w \gset
do $$ begin perform pg_temp.accept(pg_temp.event('review'), pg_temp.event('failed')); end $$;
select pg_temp.route(:r, :pipe);
select pg_temp.check_equal('many', (select array_agg(many) from millrace.upload), '{t,t}');
select pg_temp.finish(:w, 'kodd', 'permanent', '{"error": "odd"}');
create function pg_temp.claim_one(session bigint, wanted text, outcome text) returns void language sql as $$
	select from millrace.kind k, lateral (select array_agg(c.class) as classes, array_agg(c.pos) as positions, array_agg(c.upload_id) as ids,
			array_agg(c.step_no) as steps, array_agg(c.kind_no) as kinds, array_agg(case when c.step_no = 2 and c.key = wanted then claim_one.outcome else 'done' end) as outcomes,
			array_agg(1::bigint) as ran, array_agg(null::bigint) as delays, array_agg(null::jsonb) as details
		from (select x.*, k.kind_no from millrace.claim_jobs(session, k.kind_no, 40, '{}', '{}') x) c) a,
		lateral millrace.finish_jobs(session, a.kinds, a.classes, a.positions, a.ids, a.steps, a.outcomes, a.ran, a.delays, a.details, '{}')
	where k.name = 'kmany' and a.ids is not null
$$;
select pg_temp.claim_one(:w, 'failed', 'permanent') from generate_series(1, 2);
select pg_temp.check_equal('not yet', pg_temp.state('review') || ' ' || pg_temp.state('failed'), 'routed routed');
select pg_temp.claim_one(:w, 'failed', 'permanent') from generate_series(1, 4);
select pg_temp.check_equal('both final, each in its way', pg_temp.state('review') || ' ' || pg_temp.state('failed'), 'review failed');
select pg_temp.check_equal('the counts', (select array_agg(row(open_jobs, failed_jobs, review_jobs, finished_at is not null)::text order by key) from millrace.upload),
	array['(0,1,1,t)', '(0,0,1,t)']);
select pg_temp.check_equal('nothing is left to fold', (select count(*) from millrace.upload_delta) + (select count(*) from millrace.upload_sum), 0::bigint);
select outcome from millrace.replay_job((select job_id from millrace.dead where key = 'review'), 'me', null);
select pg_temp.check_equal('open', (select state || ' ' || open_jobs || ' ' || review_jobs from millrace.upload where key = 'review'), 'routed 1 0');
select pg_temp.finish(:w, 'kodd', 'done');
select pg_temp.check_equal('ready', pg_temp.state('review'), 'ready');

-- What was folded on the way counts at the end, whatever it was; who finishes folds what has become much, without the keeper.
do $$ begin perform pg_temp.accept(pg_temp.event('sums')); end $$;
select pg_temp.route(:r, :pipe);
create function pg_temp.one(session bigint, outcome text) returns void language sql as $$
	select from millrace.kind k, lateral millrace.claim_jobs(session, k.kind_no, 1, '{}', '{}') c, lateral millrace.finish_jobs(session,
		array[k.kind_no], array[c.class], array[c.pos], array[c.upload_id], array[c.step_no], array[outcome], '{1}', '{null}', array[null]::jsonb[], '{}')
	where k.name = 'kmany'
$$;
create function pg_temp.sum() returns text language sql as $$
	select row(decided, failed, review, gone)::text from millrace.upload_sum
$$;
select pg_temp.one(:w, 'source_gone');
select done from millrace.fold_uploads(0);
select pg_temp.finish(:w, 'kodd', 'permanent');
select done from millrace.fold_uploads(0);
select pg_temp.one(:w, 'permanent');
select done from millrace.fold_uploads(0);
select pg_temp.one(:w, 'done');
select done from millrace.fold_uploads(0);
select pg_temp.check_equal('all four', pg_temp.sum(), '(4,1,1,source_gone)');
select pg_temp.one(:w, 'done') from generate_series(1, 31);
select pg_temp.check_equal('not yet', (select count(*) from millrace.upload_delta), 31::bigint);
select pg_temp.one(:w, 'done');
select pg_temp.check_equal('folded by a finish', pg_temp.sum() || (select count(*) from millrace.upload_delta), '(36,1,1,source_gone)0');
select pg_temp.finish(:w, 'kmany', 'done');
select pg_temp.check_equal('at the end', (select row(state, reason, open_jobs, failed_jobs, review_jobs)::text from millrace.upload where key = 'sums'), '(skipped,source_gone,0,1,1)');
select pg_temp.check_equal('no sum is left', (select count(*) from millrace.upload_sum), 0::bigint);

-- The keeper is in haste while something happens or runs.
select moved as seen from millrace.fold_uploads(0) \gset
select pg_temp.check_equal('quiet', (select (moved, busy)::text from millrace.fold_uploads(:seen)), format('(%s,f)', :seen));
select pg_temp.check_equal('not to one who has not seen it', (select busy from millrace.fold_uploads(:seen - 1)), true);
do $$ begin perform pg_temp.accept(pg_temp.event('more')); end $$;
select pg_temp.check_equal('something happens', (select busy from millrace.fold_uploads(:seen)), true);
select pg_temp.route(:r, :pipe);
select moved as seen from millrace.fold_uploads(0) \gset
select pg_temp.check_equal('what waits is no haste', (select busy from millrace.fold_uploads(:seen)), false);
select count(*) from millrace.claim_jobs(:w, (select kind_no from millrace.kind where name = 'kmany'), 1, '{}', '{}');
select moved as seen from millrace.fold_uploads(0) \gset
select pg_temp.check_equal('something runs', (select busy from millrace.fold_uploads(:seen)), true);
insert into millrace.upload_delta (upload_id, decided, failed, review) select id, 0, 0, 0 from millrace.upload where key = 'more';
select pg_temp.check_equal('something was left', (select (done, moved, busy)::text from millrace.fold_uploads(:seen)), format('(1,%s,t)', :seen + 1));
rollback;
