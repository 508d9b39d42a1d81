-- Function:   millrace.lock_uploads(ids uuid[], beside_finishes boolean)
-- Parameters: beside_finishes: the caller only finishes jobs; those of one upload with many jobs may do so side by side
-- Returns:    whether some have many jobs
-- Changes:    nothing
-- Locks:      uploads by id; of those with many jobs an advisory lock each instead, in order, shared for those who finish. No row lock: each would
--             write the row, and a shared one a multixact of all who hold it
-- For:        whoever changes jobs. Nobody waits for an upload's row who holds one of these advisory locks
create or replace function millrace.lock_uploads(ids uuid[], beside_finishes boolean) returns boolean
language plpgsql as $$
#variable_conflict use_column
declare
	locked bigint;
begin
	perform from millrace.upload u where u.id = any (ids) and not u.many order by u.id for no key update;
	get diagnostics locked = row_count;
	if locked = cardinality(ids) then
		return false;
	end if;
	if locked = (select count(distinct i.id) from unnest(ids) i (id)) then
		return false;
	end if;
	-- In a statement of its own: one that was routed while we waited has its jobs by now.
	perform case when beside_finishes then pg_advisory_xact_lock_shared(s.key) else pg_advisory_xact_lock(s.key) end
	from (select uuid_hash_extended(u.id, 1299) as key from millrace.upload u where u.id = any (ids) and u.many order by 1) s;
	return found;
end
$$;
comment on function millrace.lock_uploads(uuid[], boolean) is 'Serialises what happens to the jobs of uploads.';
