-- requires-program: 0.1.0
create schema github;

-- Answers of GitHub, for one identity each: what one token may see is never shown to another.
create table github.answers (
    team text not null,
    identity text not null,
    key bytea not null,
    host text not null,
    full_name text,
    number integer,
    headers jsonb not null,
    body bytea not null,
    immutable boolean not null,
    stored_at timestamptz not null,
    fresh_until timestamptz not null,
    used_at timestamptz not null default now(),
    primary key (team, identity, key)
);

comment on table github.answers is 'Answers of the GitHub API, kept for conditional requests';
comment on column github.answers.full_name is 'owner/repo in lower case; null for searches and accounts';
comment on column github.answers.immutable is 'named by a SHA, so right for ever';

create index answers_by_subject on github.answers (team, host, full_name, number) where not immutable;
create index answers_by_use on github.answers (team, used_at);

-- Writes by their idempotency key: the intent before GitHub is asked, the receipt after.
create table github.writes (
    team text not null,
    identity text not null,
    idempotency_key text not null,
    tool text not null,
    arguments_digest text not null,
    started_at timestamptz not null default now(),
    receipt jsonb,
    primary key (team, identity, idempotency_key)
);

comment on table github.writes is 'What was written to GitHub, or was about to be: no key writes twice';
comment on column github.writes.receipt is 'id and url of what was made; null while nobody knows whether it was';

-- For the receiver of webhooks, which may not read what is cached.
create function github.make_stale(in_team text, in_host text, in_full_name text, in_number integer)
returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    with changed as (
        update github.answers
        set fresh_until = 'epoch'
        where team = in_team
          and host = in_host
          and not immutable
          and fresh_until > 'epoch'
          and (
              full_name is null
              or in_full_name is null
              or (full_name = lower(in_full_name) and (number is null or in_number is null or number = in_number))
          )
        returning 1
    )
    select count(*) from changed
$$;

comment on function github.make_stale is 'Have everything kept about a repository, or one number in it, revalidated before use';

revoke all on function github.make_stale from public;
grant usage on schema github to rookery_github, rookery_ingest;
grant select, insert, update, delete on github.answers, github.writes to rookery_github;
grant execute on function github.make_stale to rookery_github, rookery_ingest;
