-- Function:   millrace.expect_upload(id uuid, store text, bucket text, key text)
-- Changes:    upload: a parent before its file; the event that carries its ID joins it
-- Locks:      none that another waits for
-- For:        C, the receiver
create or replace function millrace.expect_upload(id uuid, store text, bucket text, key text) returns void
language sql security definer set search_path = millrace, pg_temp set jit = off as $$
	insert into millrace.upload (id, object_hash, state, store, bucket, key)
	values (id, millrace.identity_hash(bucket, key), 'expected', store, bucket, key)
$$;
comment on function millrace.expect_upload(uuid, text, text, text) is 'Makes the parent of a file that is still to come.';
