-- Function:   millrace.admit(p_kind smallint)
-- Parameters: p_kind: a kind that has or had limits
-- Returns:    how many parked jobs have become tickets
-- Changes:    parked, ticket, job.position, group_delta, group_live, turn; while limits change what park changes
-- Locks:      the advisory lock (1299, kind): one admission of a kind at a time
-- For:        wake, after each commit that parked or finished something; admit_all. A ticket that is not claimed yet counts like a running
--             one, so no limit is ever exceeded, whoever claims. Groups are served in turn, each at most its weight times 10 in
--             the first round.
create or replace function millrace.admit(p_kind smallint) returns bigint
language plpgsql as $$
#variable_conflict use_column
declare
	k millrace.kind;
	t millrace.turn;
	room bigint;
	taken millrace.group_live[];
	sum bigint;
	done bigint := 0;
	started constant timestamptz := clock_timestamp();
	empty_rounds integer := 0;
	quantum integer := 10;
begin
	perform pg_advisory_xact_lock(1299, p_kind);
	select * into k from millrace.kind x where x.kind_no = p_kind;
	while k.parking loop
		if clock_timestamp() > started + interval '500 ms' then
			return 0;
		end if;
		k.parking := millrace.park(k);
	end loop;
	perform millrace.fold_groups(p_kind);
	select * into t from millrace.turn x where x.kind_no = p_kind;
	if not found then
		return 0;
	end if;
	room := case when not k.limited then 1000000 when k.run_limit > 0 then k.run_limit
		else greatest(100, (select 2 * sum(w.slots) from millrace.sessions() w where p_kind = any (w.kind_nos))) end - t.admitted;
	while room > 0 and empty_rounds < 2 loop
		-- One round, or what is left of it: the groups after the last one, until there is no room.
		select array_agg(row(p_kind, s.group_no, 0, least(s.n, room - s.before), 0)::millrace.group_live order by s.group_no),
			sum(least(s.n, room - s.before))
		into taken, sum
		from (
			select g.group_no, g.n, sum(g.n) over (order by g.group_no) - g.n as before
			from (
				select l.group_no, least(l.parked, l.weight * quantum,
					case when k.group_limit > 0 then k.group_limit - l.admitted else l.parked end) as n
				from millrace.group_live l
				where l.kind_no = p_kind and l.group_no > t.group_no and l.parked > 0
					and (k.group_limit = 0 or l.admitted < k.group_limit)
				order by l.group_no
				limit room) g) s
		where s.before < room;
		if taken is null then
			empty_rounds := empty_rounds + 1;
			t.group_no := 0;
			-- Everybody has had his turn and there is room still: few groups, so larger pieces.
			quantum := least(quantum * 2, 100000);
			continue;
		end if;
		empty_rounds := 0;
		t.group_no := taken[cardinality(taken)].group_no;
		perform millrace.admit_some(taken);
		room := room - sum;
		done := done + sum;
	end loop;
	update millrace.turn x set group_no = t.group_no, admitted = x.admitted + done where x.kind_no = p_kind;
	return done;
end
$$;
comment on function millrace.admit(smallint) is 'Lets parked jobs of a kind become tickets, within its limits, group by group.';
