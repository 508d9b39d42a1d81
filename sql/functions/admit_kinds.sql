-- Function:   millrace.admit_kinds(kinds smallint[])
-- Returns:    how many parked jobs have become tickets, and of which kinds
-- Changes:    as admit, for those of the kinds that have or had limits
-- Locks:      as admit, kind by kind
-- For:        wake, admit_all, in a transaction of its own that has no xid yet
create or replace function millrace.admit_kinds(kinds smallint[], out done bigint, out admitted smallint[])
language plpgsql as $$
#variable_conflict use_column
declare
	k smallint;
	n bigint;
	reached bigint;
	delta bigint;
begin
	done := 0;
	admitted := '{}';
	for k in select distinct g.no from unnest(kinds) g (no)
		where exists (select from millrace.kind x where x.kind_no = g.no and (x.limited or x.parking)) or millrace.has_turns(g.no)
		order by 1
	loop
		if reached is null then
			select p.last_value into reached from millrace.ticket_position p;
			select d.last_value into delta from millrace.group_delta_delta_no_seq d;
			perform set_config('synchronous_commit', 'off', true);
		end if;
		n := millrace.admit(k, reached, delta);
		if n > 0 then
			done := done + n;
			admitted := admitted || k;
		end if;
	end loop;
end
$$;
comment on function millrace.admit_kinds(smallint[]) is 'Lets parked jobs become tickets, of some kinds.';
