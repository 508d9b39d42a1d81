-- Function:   millrace.claim_tickets(p_session bigint, p_kind smallint, p_max int, p_classes smallint[], p_marks bigint[], p_held int)
-- Parameters: p_classes, p_marks: where the caller's last claims ended, for the classes that it knows; p_held: how many tickets it holds. Who
--             holds a suspect claims nothing
-- Returns:    the tickets, now held by the session, and the grant that names them. An array, so that the caller joins it
--             in a statement of its own: within one statement it would not see the uploads that committed after that began, and lose them
-- Changes:    ticket (HOT: nothing indexed changes), lease_grant, tally_delta, and what claim_suspect changes
-- Locks:      the worker row (key share); the tickets, where what others hold is skipped
-- For:        claim_jobs, claim_routes, whose settings it runs under
create or replace function millrace.claim_tickets(p_session bigint, p_kind smallint, p_max integer, p_classes smallint[],
	p_marks bigint[], p_held integer, out held millrace.claim_row[], out granted bigint)
language plpgsql as $$
#variable_conflict use_column
declare
	got millrace.claim_row[];
	c record;
	mark bigint;
	shut boolean;
	suspected boolean;
	alone boolean := false;
begin
	held := '{}';
	-- Locked, so that a rescue cannot end the session between this and the commit.
	perform from millrace.worker w where w.session = p_session order by w.gen desc limit 1 for key share;
	if not found then
		raise exception 'session % is gone', p_session using errcode = 'MR001';
	end if;
	select k.paused_at is not null or k.parking,
		exists (select from millrace.kind_class c where c.kind_no = p_kind and c.class >= 16)
			or exists (select from millrace.suspect_turn t where t.session = p_session)
	into shut, suspected
	from millrace.kind k where k.kind_no = p_kind;
	if shut then
		return;
	end if;
	if suspected then
		select s.held, s.alone into held, alone from millrace.claim_suspect(p_session, p_kind, p_classes, p_marks, p_held) s;
	end if;
	-- The lower lanes have their share first, a fifth for replays and a tenth for backfills; what they leave is for all, best class
	-- first. A share of less than one is one now and then.
	for c in
		select k.class, s.share
		from millrace.kind_class k
		cross join lateral (values
			(1, floor(p_max * case when k.class < 4 then 0 when k.class < 8 then 0.2 else 0.1 end + random())::integer),
			(2, p_max)) s (pass, share)
		where k.kind_no = p_kind and k.class < 16 and (s.pass = 2 or k.class >= 4) and not alone
		order by s.pass, k.class
	loop
		continue when c.share = 0;
		mark := coalesce(p_marks[array_position(p_classes, c.class)], millrace.mark_of(p_kind, c.class));
		-- By ctid, because nothing else keeps its shape while statistics are stale: a join of the picked with the
		-- tickets may start from the wrong side and compare all with all.
		with taken as (
			update millrace.ticket t set session = p_session, claimed_at = clock_timestamp()
			where t.ctid = any (array(
				select p.ctid from millrace.ticket p
				where p.kind_no = p_kind and p.class = c.class and p.position > mark and p.session = 0
				order by p.position
				limit least(c.share, p_max - cardinality(held))
				for no key update skip locked))
			returning t.class, t.position, t.upload_id, t.step_no, t.attempt)
		select array_agg(row(k.class, k.position, k.upload_id, k.step_no, k.attempt)::millrace.claim_row order by k.position)
		into got from taken k;
		held := held || coalesce(got, '{}');
		exit when cardinality(held) >= p_max;
	end loop;
	if cardinality(held) = 0 then
		return;
	end if;
	-- A claim that a crash of the server undoes has harmed nobody: the connection is gone with it, and reopen_session tells the worker
	-- which of its tickets are not its own.
	perform set_config('synchronous_commit', 'off', true);
	insert into millrace.lease_grant (session, kind_nos, classes, positions)
	select p_session, array_agg(p_kind), array_agg(h.class), array_agg(h.pos) from unnest(held) h
	returning lease_grant.grant_no into granted;
	insert into millrace.tally_delta (kind_no, queued, running) values (p_kind, -cardinality(held), cardinality(held));
end
$$;
comment on function millrace.claim_tickets(bigint, smallint, integer, smallint[], bigint[], integer) is 'Claims tickets of a kind, best class first.';
