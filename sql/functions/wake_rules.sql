-- Function:   millrace.wake_rules(p_pipeline_no int, rule_nos smallint[])
-- Parameters: the rules by which uploads were routed, after the commit that did it
-- Returns:    as wake
-- Changes:    as wake
-- Locks:      as wake
-- For:        C, the router, in a transaction of its own: sent together with the routing, it need not wait for that one's answer
create or replace function millrace.wake_rules(p_pipeline_no integer, rule_nos smallint[]) returns integer
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan as $$
begin
	return millrace.wake(array(select distinct s.kind_no from millrace.pipeline_step s
		where s.pipeline_no = p_pipeline_no and s.rule_no = any (rule_nos) and cardinality(s.after) = 0));
end
$$;
comment on function millrace.wake_rules(integer, smallint[]) is 'Wakes the kinds that rules begin with.';
