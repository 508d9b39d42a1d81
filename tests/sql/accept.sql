-- accept.sql -- one write of one object is one upload, from however many notifications in whatever order.
\ir lib/helpers.sql
select pg_temp.check_equal('first', (select outcome from pg_temp.accept(pg_temp.event('a'))), 'accepted');
do $$
begin
	for i in 1..49 loop
		perform pg_temp.check_equal('again', (select outcome from pg_temp.accept(pg_temp.event('a'))), 'duplicate');
	end loop;
end $$;
select pg_temp.check_equal('one upload', (select count(*) from millrace.upload where key = 'a'), 1::bigint);
select pg_temp.check_equal('one ticket', (select count(*) from millrace.ticket), 1::bigint);
select pg_temp.check_equal('duplicates are not logged', (select count(*) from millrace.event_log), 1::bigint);
select pg_temp.check_equal('twice in one message', (select array_agg(outcome order by n) from pg_temp.accept(pg_temp.event('c'), pg_temp.event('c'))),
	array['accepted', 'duplicate']);
select pg_temp.check_equal('another write of the same bytes', (select outcome from pg_temp.accept(pg_temp.event('a', '{"request_id": "r2"}'))), 'accepted');
select pg_temp.check_equal('a version', (select array_agg(outcome order by n) from pg_temp.accept(
	pg_temp.event('v', '{"version_id": "1"}'), pg_temp.event('v', '{"version_id": "2"}'),
	pg_temp.event('v', '{"version_id": "1", "request_id": "other", "etag": "f"}'))), array['accepted', 'accepted', 'duplicate']);
select pg_temp.check_equal('without request ID: eTag and time', (select array_agg(outcome order by n) from pg_temp.accept(
	pg_temp.event('t', '{"request_id": null}'), pg_temp.event('t', '{"request_id": null}'),
	pg_temp.event('t', '{"request_id": null, "event_time": "2026-01-01T00:00:01Z"}'))), array['accepted', 'duplicate', 'accepted']);
select pg_temp.check_equal('another store', (select outcome from pg_temp.accept(pg_temp.event('a', '{"store": "other"}'))), 'accepted');
select pg_temp.check_that('no part runs into the next', millrace.identity_hash('a', 'bc') <> millrace.identity_hash('ab', 'c'));
select pg_temp.check_that('nor where a part has what stands between parts', millrace.identity_hash('a/b', 'c') <> millrace.identity_hash('a', 'b/c')
	and millrace.identity_hash('a","b') <> millrace.identity_hash('a', 'b'));
select pg_temp.check_that('null is not empty', millrace.identity_hash('a', null) <> millrace.identity_hash('a', ''));

-- One bad record harms no other, and a replay of the message adds nothing.
select pg_temp.check_equal('mixed', (select array_agg(outcome order by n) from pg_temp.accept(
	pg_temp.event('m1'), '{"body": 0, "what": "refused", "reason": "Records[1]: no key", "id": "00000000-0000-0000-0000-000000000001"}',
	pg_temp.event('m2', '{"what": "removed"}'), pg_temp.event('m3'))), array['accepted', 'refused', 'noted', 'accepted']);
select pg_temp.check_equal('rejected', (select reason from millrace.rejected), 'malformed');
select pg_temp.check_equal('with its reason', (select detail from millrace.upload where id = '00000000-0000-0000-0000-000000000001'), 'Records[1]: no key');
do $$ begin
perform pg_temp.accept(pg_temp.event('m1'), '{"body": 0, "what": "refused", "reason": "Records[1]: no key", "id": "00000000-0000-0000-0000-000000000002"}');
end $$;
select pg_temp.check_equal('refused once', (select count(*) from millrace.rejected), 1::bigint);

select pg_temp.check_equal('two bad records of a message are two', (select count(*) from millrace.rejected) +
	(select count(distinct upload_id) from pg_temp.accept('{"body": 0, "what": "refused", "reason": "x", "id": "00000000-0000-0000-0000-00000000000a"}',
		'{"body": 0, "what": "refused", "reason": "y", "id": "00000000-0000-0000-0000-00000000000b"}')), 3::bigint);

-- Trace IDs of senders.
select pg_temp.check_equal('an unused ID is adopted', (select upload_id from pg_temp.accept(pg_temp.event('i1',
	'{"trace_uuid": "01890a5d-ac96-774b-bcce-b302099a8057", "trace_text": "mine"}'))), '01890a5d-ac96-774b-bcce-b302099a8057'::uuid);
select pg_temp.check_that('a used one is not', (select upload_id <> '01890a5d-ac96-774b-bcce-b302099a8057' from pg_temp.accept(pg_temp.event('i2',
	'{"trace_uuid": "01890a5d-ac96-774b-bcce-b302099a8057", "trace_text": "mine"}'))));
select pg_temp.check_equal('but kept', (select client_trace_id from millrace.upload where key = 'i2'), 'mine');
select pg_temp.check_equal('a foreign form is kept', (select client_trace_id from millrace.upload u join pg_temp.accept(pg_temp.event('i3',
	'{"trace_text": "order-77"}')) a on a.upload_id = u.id), null);
select pg_temp.check_equal('… as seen by the next statement', (select client_trace_id from millrace.upload where key = 'i3'), 'order-77');
select pg_temp.check_equal('one ID, two writes in a message', (select count(distinct upload_id) from pg_temp.accept(
	pg_temp.event('i4', '{"trace_uuid": "01890a5d-ac96-774b-bcce-b302099a8099", "trace_text": "x", "request_id": "1"}'),
	pg_temp.event('i4', '{"trace_uuid": "01890a5d-ac96-774b-bcce-b302099a8099", "trace_text": "x", "request_id": "2"}'))), 2::bigint);

-- A parent before its file.
select millrace.expect_upload('01890a5d-ac96-774b-bcce-b302099a8100', 's3', 'b', 'x1');
select pg_temp.check_that('an event of another object does not join', (select upload_id <> '01890a5d-ac96-774b-bcce-b302099a8100' from pg_temp.accept(
	pg_temp.event('x2', '{"trace_uuid": "01890a5d-ac96-774b-bcce-b302099a8100", "trace_text": "y"}'))));
select pg_temp.check_that('nor one of another store', (select upload_id <> '01890a5d-ac96-774b-bcce-b302099a8100' from pg_temp.accept(
	pg_temp.event('x1', '{"store": "other", "trace_uuid": "01890a5d-ac96-774b-bcce-b302099a8100", "trace_text": "y"}'))));
select pg_temp.check_equal('the event joins', (select upload_id from pg_temp.accept(
	pg_temp.event('x1', '{"trace_uuid": "01890a5d-ac96-774b-bcce-b302099a8100", "trace_text": "y"}'))), '01890a5d-ac96-774b-bcce-b302099a8100'::uuid);
select pg_temp.check_equal('and is accepted', pg_temp.state('x1'), 'accepted');
rollback;
