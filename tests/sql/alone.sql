-- alone.sql -- which suspect a claim finds, and whose turn it is, over kinds, lanes and marks.
\ir lib/helpers.sql
select pg_temp.pipeline('[{"step": "a", "kind": "ka"}, {"step": "b", "kind": "kb"}, {"step": "c", "kind": "kc"}]') as pipe \gset
select pg_temp.session('route') as r \gset
do $$ begin perform pg_temp.accept(variadic array(select pg_temp.event(i::text) from generate_series(1, 12) i)); end $$;
select pg_temp.route(:r, :pipe);
select (select kind_no from millrace.kind where name = 'ka') as ka, (select kind_no from millrace.kind where name = 'kb') as kb \gset
create function pg_temp.claim(session bigint, kind text, held integer, max integer default 1, classes smallint[] default '{}', marks bigint[] default '{}')
returns bigint[] language sql as $$
	select array_agg(c.pos order by c.pos) from millrace.kind k, lateral millrace.claim_jobs(session, k.kind_no, max, classes, marks, held) c where k.name = claim.kind
$$;
create function pg_temp.turns() returns text language sql as $$
	select string_agg(k.name || ' ' || w.worker, ', ' order by k.name) from millrace.suspect_turn t join millrace.kind k using (kind_no) left join millrace.worker w using (session)
$$;
create function pg_temp.open(name text) returns bigint language sql as $$
	select session from millrace.open_session(name, 'h', '1', '{ka,kb,kc}', 8)
$$;

-- Three suspects, the last of them in the lane of replays.
select pg_temp.open('dead') as w \gset
select pg_temp.claim(:w, 'ka', 0, 3);
select done from millrace.rescue_workers(-1);
select millrace.use_class(:ka::smallint, 20::smallint);
update millrace.ticket set class = 20 where position = (select max(position) from millrace.ticket where class = 16);
select min(position) as first, max(position) filter (where class = 16) as second, max(position) as third from millrace.ticket where class >= 16 \gset
select pg_temp.open('one') as one, pg_temp.open('two') as two, pg_temp.open('three') as three, pg_temp.open('four') as four, pg_temp.open('five') as five \gset
select pg_temp.check_equal('the best class, and of that the oldest', pg_temp.claim(:one, 'ka', 0, 5), array[:first]::bigint[]);
select pg_temp.check_that('since now', (select claimed_at >= now() from millrace.ticket where position = :first));
select pg_temp.check_equal('that is no turn', pg_temp.turns(), null);
select pg_temp.check_equal('beyond its own mark', pg_temp.claim(:two, 'ka', 0, 5, '{16}', array[:second]::bigint[]), array[:third]::bigint[]);
select millrace.heartbeat(:one, array[:ka]::smallint[], '{16}', array[:second]::bigint[], '{}');
select pg_temp.check_equal('and beyond the stored one', cardinality(pg_temp.claim(:three, 'ka', 0, 3)), 3);
select pg_temp.check_equal('although its own may be behind', pg_temp.claim(:three, 'ka', 3, 3, '{16}', '{0}'), null);
update millrace.mark set position = 0 where class = 16;
select pg_temp.check_equal('its turn', pg_temp.turns(), 'ka three');
select pg_temp.check_equal('an idle one is first', pg_temp.claim(:four, 'ka', 0, 5), array[:second]::bigint[]);
select pg_temp.check_equal('which ends no turn of another', pg_temp.turns(), 'ka three');
select pg_temp.check_equal('none waits', cardinality(pg_temp.claim(:three, 'ka', 3, 1)), 1);
select pg_temp.check_equal('so it has no turn', pg_temp.turns(), null);
select pg_temp.check_equal('nor takes it one who is busy', cardinality(pg_temp.claim(:three, 'ka', 4, 1)), 1);

-- Another kind has turns of its own; who has one takes nothing of any kind.
update millrace.worker set seen_at = now() + interval '1 h';
select pg_temp.open('dead, too') as w \gset
select pg_temp.claim(:w, 'kb', 0, 2);
select done from millrace.rescue_workers(0);
select pg_temp.open('idle') as idle \gset
select pg_temp.claim(:idle, 'ka', 0);
select pg_temp.check_equal('a suspect of another kind is none of this', (select array_agg(kind_no) from millrace.ticket where session = :idle), array[:ka]::smallint[]);
select pg_temp.check_equal('busy', cardinality(pg_temp.claim(:five, 'kc', 0)), 1);
select pg_temp.check_equal('it takes its turn', pg_temp.claim(:five, 'kb', 1), null);
insert into millrace.suspect_turn values (:ka, :three);
select pg_temp.check_equal('and nothing of a kind that has suspects', pg_temp.claim(:five, 'ka', 1), null);
select pg_temp.check_equal('nor of one that has none', pg_temp.claim(:five, 'kc', 1), null);
select pg_temp.check_equal('each kind has one', pg_temp.turns(), 'ka three, kb five');
update millrace.ticket set session = 4711 where session = :five;
select pg_temp.claim(:five, 'kb', 0);
select pg_temp.check_equal('then it is idle', (select array_agg(class) from millrace.ticket where session = :five), '{16}'::smallint[]);
select pg_temp.check_equal('and its turn is over, not the other', pg_temp.turns(), 'ka three');
rollback;
