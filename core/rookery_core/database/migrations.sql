-- name: lock
-- one migration at a time in this database
select pg_advisory_xact_lock(7245101337);

-- name: record_exists
select to_regclass('rookery.migration') is not null;

-- name: create_record
-- owned by the first migration's rookery_owner as soon as there is that role
create schema if not exists rookery;
create table if not exists rookery.migration (
    schema text not null,
    number integer not null,
    name text not null,
    sha256 text not null,
    requires_program text not null,
    program text not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (schema, number)
);
comment on table rookery.migration is 'migrations applied to this database, by which program';
create table if not exists rookery.adaptation (
    schema text not null,
    finished_at timestamptz not null default clock_timestamp(),
    program text not null,
    server jsonb not null,
    primary key (schema)
);
comment on table rookery.adaptation is 'what the server offered when a schema was last adapted to it';

-- name: applied
select schema, number, name, sha256, requires_program, program, applied_at from rookery.migration order by schema, number;

-- name: record
insert into rookery.migration (schema, number, name, sha256, requires_program, program) values ($1, $2, $3, $4, $5, $6);

-- name: remove_replaced
-- migrations whose result later files contain, which were removed before the first release
delete from rookery.migration where schema = $1 and number < $2;

-- name: renumber
update rookery.migration set number = $4, name = $5, sha256 = $6 where schema = $1 and number = $2 and sha256 = $3;

-- name: act_as_owner
select set_config('role', 'rookery_owner', true);

-- name: act_as_login
select set_config('role', 'none', true);

-- name: vector_available
select exists (select from pg_available_extensions where name = 'vector');

-- name: grant_to_app
-- the embedded server's login may take each role, and without taking one may do nothing
do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        'rookery_slack', 'rookery_docs', 'rookery_github', 'rookery_memory', 'rookery_ingest', 'rookery_agent'
    ]
    loop
        if not exists (
            select
            from pg_auth_members
            where roleid = role_name::regrole and member = 'rookery_app'::regrole and set_option
        ) then
            execute format('grant %I to rookery_app with inherit false, set true', role_name);
        end if;
    end loop;
end
$$;

-- name: outdated_extensions
-- that an upgrade of the server's programs brought a newer version of
select name from pg_available_extensions where installed_version <> default_version order by name;

-- name: update_extension
-- the name is quoted by the server
do $$ begin execute format('alter extension %I update', current_setting('rookery.extension')); end $$;

-- name: adaptations
select schema, finished_at, program, server from rookery.adaptation order by schema;

-- name: adapted
insert into rookery.adaptation (schema, program, server)
values ($1, $2, $3)
on conflict (schema) do update
    set finished_at = clock_timestamp(), program = excluded.program, server = excluded.server;

-- name: adaptation_is_due
-- whether a schema has been migrated since it was last adapted
select exists (
    select
    from rookery.migration m
    left join rookery.adaptation a using (schema)
    where m.schema = any ($1::text[]) and (a.finished_at is null or a.finished_at < m.applied_at)
);

-- name: lock_adapting
select pg_try_advisory_lock(7245101338);

-- name: roles
select
    rolname::text as name,
    array(
        select m.rolname::text
        from pg_auth_members a
        join pg_roles m on m.oid = a.member
        where a.roleid = r.oid
        order by m.rolname
    ) as members
from pg_roles r
where rolname like 'rookery\_%' and not rolcanlogin
order by rolname;
