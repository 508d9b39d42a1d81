-- Function:   millrace.create_login(name text, component text)
-- Parameters: component: receiver, router, worker, keeper, reader or operator
-- Changes:    roles: makes a login role if there is none such, and makes it a member of the component's group
-- Locks:      none that another waits for
-- For:        psql; C, the supervisor of the embedded default. Only who may create roles can use it.
create or replace function millrace.create_login(name text, component text) returns void
language plpgsql set search_path = millrace, pg_temp as $$
begin
	if component not in ('receiver', 'router', 'worker', 'keeper', 'reader', 'operator') then
		raise exception 'there is no component %', component using errcode = '22023';
	end if;
	if not exists (select from pg_roles r where r.rolname = create_login.name) then
		execute format('create role %I login', name);
	end if;
	execute format('grant %I to %I', 'millrace_' || component, name);
end
$$;
comment on function millrace.create_login(text, text) is 'A login role for one component.';
