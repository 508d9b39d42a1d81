-- Function:   millrace.scale_metric(kind text)
-- Returns:    due and running jobs of the kind, never null; 0 for a kind that is paused or unknown
-- Changes:    nothing
-- Locks:      none
-- For:        C, and an autoscaler's query
create or replace function millrace.scale_metric(kind text) returns bigint
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	select coalesce((select t.queued + t.running from millrace.tallies() t join millrace.kind k on k.kind_no = t.kind_no
		where k.name = scale_metric.kind and k.paused_at is null), 0)
$$;
comment on function millrace.scale_metric(text) is 'Due and running jobs of a kind: what an autoscaler asks.';
