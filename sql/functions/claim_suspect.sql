-- Function:   millrace.claim_suspect(p_session bigint, p_kind smallint, p_classes smallint[], p_marks bigint[], p_held int)
-- Parameters: as claim_tickets
-- Returns:    a suspect, if the session holds nothing and one waits, now held by it; and whether the session gets nothing else now
-- Changes:    ticket (HOT), suspect_turn
-- Locks:      the ticket, where what others hold is skipped; the advisory lock of the kind's turn, if it is free
-- For:        claim_tickets. A suspect was held by a worker that died: it runs where nothing else runs. Who holds nothing takes it at once. If all are
--             busy, one of them takes its turn: it gets nothing more until it holds nothing; then it runs all the suspects that wait
create or replace function millrace.claim_suspect(p_session bigint, p_kind smallint, p_classes smallint[], p_marks bigint[], p_held integer,
	out held millrace.claim_row[], out alone boolean)
language plpgsql as $$
#variable_conflict use_column
declare
	c smallint;
	mark bigint;
	place tid;
	whose bigint;
begin
	held := '{}';
	for c in select k.class from millrace.kind_class k where k.kind_no = p_kind and k.class >= 16 order by k.class loop
		mark := coalesce(p_marks[array_position(p_classes, c)], millrace.mark_of(p_kind, c));
		if p_held = 0 then
			select p.ctid into place from millrace.ticket p
			where p.kind_no = p_kind and p.class = c and p.position > mark and p.session = 0
			order by p.position limit 1
			for no key update skip locked;
		else
			-- Not locked: those who could take it would pass it by.
			select p.ctid into place from millrace.ticket p
			where p.kind_no = p_kind and p.class = c and p.position > mark and p.session = 0
			order by p.position limit 1;
		end if;
		exit when place is not null;
	end loop;
	if place is not null and p_held = 0 then
		with taken as (
			update millrace.ticket t set session = p_session, claimed_at = clock_timestamp() where t.ctid = place
			returning t.class, t.position, t.upload_id, t.step_no, t.attempt)
		select array_agg(row(k.*)::millrace.claim_row) into held from taken k;
	end if;
	select t.session into whose from millrace.suspect_turn t where t.kind_no = p_kind;
	if whose = p_session and (place is null or p_held = 0) then
		delete from millrace.suspect_turn t where t.kind_no = p_kind;
	elsif place is not null and p_held > 0
		and not exists (select from millrace.worker w where w.session = whose) and pg_try_advisory_xact_lock(1301, p_kind) then
		insert into millrace.suspect_turn as t values (p_kind, p_session)
		on conflict (kind_no) do update set session = excluded.session where t.session is not distinct from whose;
	end if;
	alone := cardinality(held) > 0 or exists (select from millrace.suspect_turn t where t.session = p_session);
end
$$;
comment on function millrace.claim_suspect(bigint, smallint, smallint[], bigint[], integer) is 'Claims a ticket that must run alone.';
