-- requires-program: 0.1.0
-- runs-as: login
-- Roles belong to the whole cluster: another database of it may have made them already, or be making them now.

do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        'rookery_owner', 'rookery_slack', 'rookery_docs', 'rookery_github', 'rookery_memory', 'rookery_ingest',
        'rookery_agent'
    ]
    loop
        begin
            if not exists (select from pg_roles where rolname = role_name) then
                execute format('create role %I nologin', role_name);
            end if;
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;

    -- Who may create roles but is no superuser must be a member to hand things over to the owner.
    if not pg_has_role(current_user, 'rookery_owner', 'set') then
        execute format('grant rookery_owner to %I', current_user);
    end if;

    execute format(
        'grant create, connect, temporary on database %I to rookery_owner', current_database()
    );
    -- Temporary tables could be put in front of ours in a search path; no role that serves needs them.
    execute format('revoke temporary on database %I from public', current_database());
end
$$;

revoke create on schema public from public;
grant usage on schema public to public;

create extension if not exists vector with schema public;

-- Each of these is used where it is there, and done without where it is not.
do $$
declare
    extension_name text;
begin
    for extension_name in
        select name
        from pg_available_extensions
        where name in ('pg_trgm', 'unaccent', 'btree_gin', 'fuzzystrmatch') and installed_version is null
    loop
        execute format('create extension if not exists %I with schema public', extension_name);
    end loop;
end
$$;

alter schema rookery owner to rookery_owner;
alter table rookery.migration owner to rookery_owner;
alter table rookery.adaptation owner to rookery_owner;
grant usage on schema rookery to public;
grant select on rookery.migration, rookery.adaptation to public;
