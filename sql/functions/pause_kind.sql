-- Function:   millrace.pause_kind(kind text, pause boolean, who text, why text)
-- Parameters: pause: true: nothing of the kind is claimed any more, what runs goes on; false: claimed again
-- Returns:    one row (outcome, reply, wake): paused, resumed, unchanged or not_found; reply: {kind, paused}
-- Changes:    kind, audit
-- Locks:      the kind's row
-- For:        C, the operator
create or replace function millrace.pause_kind(kind text, pause boolean, who text, why text)
returns table (outcome text, reply jsonb, wake smallint[])
language plpgsql security definer set search_path = millrace, pg_temp set jit = off as $$
#variable_conflict use_column
declare
	k millrace.kind;
begin
	wake := '{}';
	select * into k from millrace.kind x where x.name = pause_kind.kind for no key update;
	if not found then
		outcome := 'not_found';
		return next;
		return;
	end if;
	reply := jsonb_build_object('kind', k.name, 'paused', pause);
	if (k.paused_at is not null) = pause then
		outcome := 'unchanged';
		return next;
		return;
	end if;
	update millrace.kind x set paused_at = case when pause then clock_timestamp() end, paused_by = case when pause then who end
	where x.kind_no = k.kind_no;
	outcome := case when pause then 'paused' else 'resumed' end;
	insert into millrace.audit (who, action, subject, why) values (pause_kind.who, case when pause then 'pause' else 'resume' end, k.name, pause_kind.why);
	wake := case when pause then '{}'::smallint[] else array[k.kind_no] end;
	return next;
end
$$;
comment on function millrace.pause_kind(text, boolean, text, text) is 'Holds a kind, or lets it go on.';
