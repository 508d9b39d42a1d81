-- Function:   millrace.fold_uploads(seen bigint)
-- Parameters: seen: moved of the last call; 0 at first
-- Returns:    one row: how many uploads were folded; a number that grows with whatever happens to jobs; whether to come again soon: something
--             has happened since, or was left, or jobs are running, of which two that end together may leave something; no kinds to wake
-- Changes:    upload_fold, and what fold_upload changes: what finishes could not fold themselves, because another was at it
-- Locks:      the duty's advisory lock; of each upload the lock as for finishes, if it is free, then as fold_upload
-- For:        C, the keeper, every 50 ms, and up to a second when there is no haste, in a transaction of its own. Deltas are found above a low-water
--             number, as fold_tallies does
create or replace function millrace.fold_uploads(seen bigint)
returns table (done bigint, moved bigint, busy boolean, wake smallint[])
language plpgsql security definer
set search_path = millrace, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
	last millrace.upload_fold;
	reached bigint;
	settled boolean;
	low bigint;
	id uuid;
begin
	done := 0;
	wake := '{}';
	-- Whoever has such a number had an xid before it, and this transaction gets its own after that. (Not the xmax of a snapshot: that is where the
	-- last that ended was, and others may be running beyond it.)
	select case when q.is_called then q.last_value else 0 end into reached from millrace.upload_delta_delta_no_seq q;
	select * into last from millrace.upload_fold f order by f.gen desc limit 1;
	moved := reached + (select q.last_value from millrace.tally_delta_delta_no_seq q);
	busy := moved <> seen;
	if not busy then
		busy := exists (select from millrace.tallies() t where t.running > 0);
	end if;
	if last.low = reached or not pg_try_advisory_xact_lock(1298, 6) then
		return next;
		return;
	end if;
	select * into last from millrace.upload_fold f order by f.gen desc limit 1;
	settled := last.closes <= pg_snapshot_xmin(pg_current_snapshot());
	for id in select distinct d.upload_id from millrace.upload_delta d where d.delta_no > last.low order by 1 loop
		if pg_try_advisory_xact_lock_shared(uuid_hash_extended(id, 1299)) then
			perform millrace.fold_upload(id, true);
			done := done + 1;
		end if;
		busy := true;
	end loop;

	-- It stays below what is not folded yet.
	low := least(last.high, (select min(d.delta_no) - 1 from millrace.upload_delta d where d.delta_no > last.low));
	if settled and (low > last.low or reached > last.high) then
		insert into millrace.upload_fold select last.gen + 1, low, reached, pg_current_xact_id();
		delete from millrace.upload_fold f where f.gen = last.gen;
	end if;
	return next;
end
$$;
comment on function millrace.fold_uploads(bigint) is 'Folds what finishes of uploads with many jobs left.';
