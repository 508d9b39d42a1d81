-- Function:   millrace.admit(p_kind smallint, p_position bigint, p_delta bigint)
-- Parameters: p_kind: a kind that has or had limits; p_position, p_delta: how far the sequences of positions and of deltas were before the caller's
--             transaction had an xid: whoever has a smaller number has a smaller xid
-- Returns:    how many parked jobs have become tickets
-- Changes:    parked, ticket, group_delta, group_live, group_line, turn; while limits change what park changes
-- Locks:      the advisory lock (1299, kind): one admission of a kind at a time
-- For:        wake, after each commit that parked or finished something; admit_all. A ticket that is not claimed yet counts like a running
--             one, so no limit is ever exceeded, whoever claims. Groups are served in turn, each at most its weight times 10 in
--             the first round.
create or replace function millrace.admit(p_kind smallint, p_position bigint, p_delta bigint) returns bigint
language plpgsql as $$
#variable_conflict use_column
declare
	k millrace.kind;
	before millrace.turn;
	t millrace.turn;
	room integer;
	done integer := 0;
	was integer;
	settled boolean;
	started constant timestamptz := clock_timestamp();
	anew boolean;
	classes smallint[];
	quantum integer := 10;
	round_end bigint;
	round_done bigint := -1;
begin
	perform pg_advisory_xact_lock(1299, p_kind);
	select * into k from millrace.kind x where x.kind_no = p_kind;
	anew := k.parking;
	while k.parking loop
		if clock_timestamp() > started + interval '500 ms' then
			return 0;
		end if;
		k.parking := millrace.park(k);
	end loop;
	if k.parking is null then
		return 0;
	end if;
	select * into before from millrace.turn x where x.kind_no = p_kind order by x.gen desc limit 1;
	if not found then
		before := row(p_kind, 0, 0, k.group_limit, 0, 0, 0, 0, 0, 0, '0');
	end if;
	t := before;
	-- In a statement before those that look, so that they see all that those who have ended left. The deltas are folded from the old mark on:
	-- what was left then came after the last fold.
	settled := t.closes <= pg_snapshot_xmin(pg_current_snapshot());
	t := millrace.fold_groups(k.group_limit, t);
	if settled then
		t.low_delta := t.high_delta;
		t.low_position := t.high_position;
	end if;
	if anew or t.group_limit <> k.group_limit then
		t := millrace.line_up(k.group_limit, t);
	end if;
	room := case when not k.limited then 1000000 when k.run_limit > 0 then k.run_limit
		else greatest(100, (select 2 * sum(w.slots) from millrace.sessions() w where p_kind = any (w.kind_nos))) end - t.admitted;
	round_end := t.last_place;
	classes := array(select c.class from millrace.kind_class c where c.kind_no = p_kind and c.class < 16 order by c.class);
	while done < room and t.first_place < t.last_place loop
		if t.first_place >= round_end then
			exit when done = round_done;
			-- Everybody has had his turn and there is room still: few groups, so larger pieces.
			round_end := t.last_place;
			round_done := done;
			quantum := least(quantum * 2, 100000);
		end if;
		was := t.admitted;
		t := millrace.admit_some(k.group_limit, quantum, room - done, classes, t);
		done := done + t.admitted - was;
	end loop;
	if t is distinct from before then
		if settled then
			t.high_delta := p_delta;
			t.high_position := p_position;
			t.closes := pg_current_xact_id();
		end if;
		t.gen := before.gen + 1;
		insert into millrace.turn select t.*;
		delete from millrace.turn x where x.kind_no = p_kind and x.gen = before.gen;
	end if;
	return done;
end
$$;
comment on function millrace.admit(smallint, bigint, bigint) is 'Lets parked jobs of a kind become tickets, within its limits, group by group.';
