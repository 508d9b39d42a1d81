-- Function:   millrace.group_name(template text, u millrace.upload)
-- Parameters: template: text with {store}, {bucket}, {source}, {type}, {key.N} (the Nth part of the key between slashes), {metadata.NAME}
-- Returns:    the group's name; what the upload lacks is empty
-- Changes:    nothing
-- Locks:      none
-- For:        make_jobs, park
create or replace function millrace.group_name(template text, u millrace.upload) returns text
language plpgsql immutable as $$
declare
	name text := '';
	rest text := template;
	field text;
	arg text;
begin
	if template = '{bucket}' then
		return u.bucket;
	end if;
	-- From left to right, and never what a value brought in: keys may hold braces.
	while rest ~ '\{[^{}]*\}' loop
		name := name || substring(rest from '^(.*?)\{[^{}]*\}');
		field := substring(rest from '\{([^{}]*)\}');
		arg := substring(field from '^[a-z]+\.(.*)$');
		name := name || coalesce(case split_part(field, '.', 1)
			when 'store' then u.store
			when 'bucket' then u.bucket
			when 'source' then u.source
			when 'type' then coalesce(u.sniffed_type, u.content_type)
			when 'key' then split_part(u.key, '/', arg::integer)
			when 'metadata' then u.metadata->>arg end, '');
		rest := substring(rest from '\{[^{}]*\}(.*)$');
	end loop;
	return name || rest;
end
$$;
comment on function millrace.group_name(text, millrace.upload) is 'The name of the group that an upload''s job belongs to.';
