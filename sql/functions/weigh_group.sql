-- Function:   millrace.weigh_group(kind text, group_name text, weight int, who text, why text)
-- Parameters: weight: 1 to 100: how many times as much as a group of weight 1 it gets in a round
-- Returns:    false when there is no such kind
-- Changes:    job_group, group_live, audit
-- Locks:      the group's row, then as admit
-- For:        psql
create or replace function millrace.weigh_group(kind text, group_name text, weight integer, who text, why text) returns boolean
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
#variable_conflict use_column
declare
	number smallint;
begin
	if weight is null or weight < 1 or weight > 100 then
		raise exception 'a weight is 1 to 100, not %', weight using errcode = '22023';
	end if;
	select k.kind_no into number from millrace.kind k where k.name = weigh_group.kind;
	if not found then
		return false;
	end if;
	perform millrace.group_numbers(number, array[group_name]);
	update millrace.job_group g set weight = weigh_group.weight
	where g.kind_no = number and g.hash = millrace.group_hash(group_name);
	perform pg_advisory_xact_lock(1299, number);
	update millrace.group_live l set weight = weigh_group.weight
	from millrace.job_group g
	where g.kind_no = number and g.hash = millrace.group_hash(group_name) and l.kind_no = number and l.group_no = g.group_no;
	insert into millrace.audit (who, action, subject, why)
	values (weigh_group.who, 'weigh', weigh_group.kind || ' ' || group_name || ' ' || weight, weigh_group.why);
	return true;
end
$$;
comment on function millrace.weigh_group(text, text, integer, text, text) is 'Gives a group more or less of a round: select millrace.weigh_group(''kind'', ''group'', 3, ''who'', ''why'').';
