-- Function:   millrace.final_state(failed int, review int, reason text)
-- Returns:    the state of an upload whose deciding jobs have all ended
-- Changes:    nothing
-- Locks:      none
-- For:        settle, fold_upload. It answers cancelled when what was replayed in a cancelled upload has ended
create or replace function millrace.final_state(failed bigint, review bigint, reason text) returns millrace.upload_state
language sql immutable parallel safe as $$
	select case when reason in ('source_gone', 'superseded') then 'skipped'::millrace.upload_state when reason = 'cancelled' then 'cancelled'
		when failed > 0 then 'failed' when review > 0 then 'review' else 'ready' end
$$;
comment on function millrace.final_state(bigint, bigint, text) is 'How an upload ends once its deciding jobs have.';
