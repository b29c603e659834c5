-- name: take_role
-- for the whole session; `reset all`, which a pool runs between its users, does not undo it
select set_config('role', $1, false);

-- name: begin_as
-- the caller of this transaction, forgotten at its end, and the role again, in case somebody has reset it
select
    set_config('role', $1, true),
    set_config('rookery.team', $2, true),
    set_config('rookery.user', $3, true),
    set_config('rookery.kind', $4, true),
    set_config('rookery.channel', $5, true),
    set_config('rookery.room', $6, true);

-- name: may_take_role
-- null when there is no such role
select (select pg_has_role(session_user, oid, 'set') from pg_roles where rolname = $1) as allowed;

-- name: inspect_role
-- what the effective role may do that a serving role must not
select
    current_user::text as name,
    rolsuper as superuser,
    rolbypassrls as bypasses_row_security,
    array(
        select nspname::text
        from pg_namespace
        where nspname = any ($1::text[]) and pg_has_role(current_user, nspowner, 'usage')
    ) as owned
from pg_roles
where rolname = current_user;

-- name: vector_schema
select n.nspname::text from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typname = 'halfvec' limit 1;

-- name: capabilities
-- what the server is, and which extensions this database has
select
    current_setting('server_version_num')::integer as server_version,
    coalesce((select jsonb_object_agg(extname, extversion) from pg_extension), '{}')::text as extensions;
