-- Function:   millrace.set_limits(p_kind smallint, p_run_limit int, p_group_by text, p_group_limit int)
-- Parameters: 0, '' and 0: no limits
-- Returns:    true when they were others before
-- Changes:    kind: what is queued goes through admit from now on, at most 5,000 with each call of it
-- Locks:      the advisory lock (1300, 0), exclusively, to the end of the transaction: who queues jobs of limited kinds holds it shared
-- For:        register_pipeline
create or replace function millrace.set_limits(p_kind smallint, p_run_limit integer, p_group_by text, p_group_limit integer)
returns boolean
language plpgsql as $$
#variable_conflict use_column
begin
	if exists (select from millrace.kind k where k.kind_no = p_kind
		and (k.run_limit, k.group_by, k.group_limit) = (p_run_limit, p_group_by, p_group_limit)) then
		return false;
	end if;
	perform pg_advisory_xact_lock(1300, 0);
	update millrace.kind k set run_limit = p_run_limit, group_by = p_group_by, group_limit = p_group_limit,
		parking = p_run_limit > 0 or p_group_by <> ''
	where k.kind_no = p_kind;
	return true;
end
$$;
comment on function millrace.set_limits(smallint, integer, text, integer) is 'Changes the limits of a kind.';
