-- Function:   millrace.why(id text)
-- Parameters: id: a trace ID in any form
-- Returns:    one sentence: why the upload is not ready, or how it ended
-- Changes:    nothing
-- Locks:      none
-- For:        psql
create or replace function millrace.why(id text) returns text
language sql stable security definer set search_path = millrace, pg_temp set jit = off as $$
	with t as (select millrace.trace_json(why.id) as doc),
	open as (
		select j->>'step' as step, j->>'kind' as kind, j->>'state' as state, j->>'due_at' as due_at, j->'after' as after,
			j->'attempts'->-1->>'error' as error, j->'attempts'->-1->>'worker' as worker
		from t, jsonb_array_elements(t.doc->'jobs') j)
	select coalesce((
		select case t.doc->'upload'->>'state'
			when 'ready' then 'It is ready.'
			when 'expected' then 'The file has not arrived yet.'
			when 'accepted' then case
				when exists (select from millrace.worker w where 1 = any (w.kind_nos)) then 'It waits to be routed.'
				else 'It waits to be routed, and no router is alive.' end
			when 'routed' then (
				select string_agg(case o.state
					when 'running' then format('%s runs at %s', o.step, o.worker)
					when 'retrying' then format('%s tries again at %s after: %s', o.step, o.due_at, o.error)
					when 'waiting' then format('%s waits for %s', o.step,
						(select string_agg(a, ', ') from jsonb_array_elements_text(o.after) a))
					when 'failed' then format('%s is dead: %s', o.step, o.error)
					else o.step || ' ' || millrace.why_queued(o.kind, millrace.trace_uuid(why.id), o.step) end, '; ')
				from open o where o.state not in ('done', 'skipped', 'cancelled'))
			when 'review' then 'Somebody should look at it: ' || coalesce(
				(select string_agg(format('%s: %s', o.step, coalesce(o.error, '?')), '; ') from open o where o.state = 'failed'), '?')
			when 'failed' then 'It failed: ' || coalesce(
				(select string_agg(format('%s: %s', o.step, coalesce(o.error, '?')), '; ') from open o where o.state = 'failed'),
				t.doc->'upload'->>'detail', 'routing did not succeed')
			when 'cancelled' then concat_ws(' ', 'It was cancelled', t.doc->'upload'->>'detail') || '.'
			else format('It is %s: %s', t.doc->'upload'->>'state',
				concat_ws(', ', t.doc->'upload'->>'reason', t.doc->'upload'->>'detail')) end
		from t where t.doc is not null), 'There is no such trace.')
$$;
comment on function millrace.why(text) is 'Why an upload is not ready, in a sentence: select millrace.why(''trace_…'').';
