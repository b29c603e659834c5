-- requires-program: 0.1.0
-- Long-term memory. A row belongs to one scope of one team; who may see a scope follows from the caller that the
-- transaction was begun for, never from an argument.

create schema memory;
grant usage on schema memory to rookery_memory;

-- `user:U1` or `channel:C1` of the caller; null when it has none.
create function memory.named_scope(what text) returns text
language sql stable parallel safe strict
return what || ':' || nullif(current_setting('rookery.' || what, true), '');

-- Whose memory the caller of this transaction may use. Nobody: none at all.
create function memory.readable_scopes() returns text[]
language sql stable parallel safe
return array_remove(
    case current_setting('rookery.kind', true)
        when 'anonymous' then array['local']
        when 'agent' then array['agent', 'team', memory.named_scope('channel')]
        when 'member' then array[memory.named_scope('user'), 'team', memory.named_scope('channel')]
        when 'guest' then array[memory.named_scope('user'), memory.named_scope('channel')]
        when 'outsider' then array[memory.named_scope('user'), memory.named_scope('channel')]
        else '{}'::text[]
    end,
    null
);

create function memory.caller_team() returns text
language sql stable parallel safe
return coalesce(current_setting('rookery.team', true), '');

create table memory.memory (
    team text collate "C" not null,
    id uuid not null,
    version integer not null default 1 check (version > 0),
    scope text collate "C" not null check (scope ~ '^(local|team|agent|user:.+|channel:.+)$'),
    kind text not null default 'fact' check (kind in ('fact', 'preference', 'decision', 'episode')),
    content text not null check (length(content) between 1 and 20000),
    content_hash bytea not null,
    source text,
    tags text[] not null default '{}',
    importance real not null default 0.5 check (importance between 0 and 1),
    pinned boolean not null default false,
    -- The turns of a conversation that this was drawn from.
    conversation text collate "C",
    turns text[] not null default '{}',
    author text,
    -- When it holds in the world; an update or a newer fact closes the interval of what it replaces.
    valid_from timestamptz not null default now(),
    valid_until timestamptz,
    expires_at timestamptz,
    -- When it was written down, and until when this was its current version.
    recorded_at timestamptz not null default now(),
    replaced_at timestamptz,
    reason text,
    superseded_by uuid,
    forgotten_at timestamptz,
    -- What was merged into it: objects of id, content, source, author, recorded_at.
    provenance jsonb not null default '[]',
    document tsvector not null,
    primary key (team, id, version)
);

create unique index memory_once on memory.memory (team, scope, content_hash)
    where replaced_at is null and forgotten_at is null and superseded_by is null;
create index memory_listing on memory.memory (team, scope, recorded_at desc, id desc);
create index memory_of_turns on memory.memory (team, scope, conversation) where conversation is not null;
create index memory_words on memory.memory using gin (document) with (fastupdate = on);

-- Vectors apart: a vector that comes later, or from another model, touches no index of the text.
create table memory.embedding (
    team text collate "C" not null,
    id uuid not null,
    version integer not null,
    scope text collate "C" not null,
    model text collate "C" not null,
    embedding public.halfvec not null,
    -- Small scopes are ranked exactly and stay out of the index; large ones are taken in, in the background.
    indexed boolean not null default false,
    primary key (team, id, version),
    foreign key (team, id, version) references memory.memory (team, id, version) on delete cascade
);

create index embedding_of_scope on memory.embedding (team, scope, model, indexed);

create table memory.link (
    team text collate "C" not null,
    scope text collate "C" not null,
    from_id uuid not null,
    relation text collate "C" not null check (length(relation) between 1 and 200),
    to_id uuid not null,
    primary key (team, scope, from_id, relation, to_id)
);

create index link_back on memory.link (team, scope, to_id);

create table memory.conversation (
    team text collate "C" not null,
    scope text collate "C" not null,
    id text collate "C" not null check (length(id) between 1 and 500),
    title text,
    speakers text[] not null default '{}',
    turns integer not null default 0,
    started_at timestamptz,
    last_at timestamptz,
    recorded_at timestamptz not null default now(),
    primary key (team, scope, id)
);

create table memory.turn (
    team text collate "C" not null,
    scope text collate "C" not null,
    conversation text collate "C" not null,
    position integer not null check (position >= 0),
    id text collate "C" not null check (length(id) between 1 and 200),
    session integer not null default 0,
    session_name text,
    speaker text not null,
    content text not null check (length(content) between 1 and 100000),
    said_at timestamptz,
    -- Whether it ends in a question, which the next turn then answers.
    asks boolean not null,
    recorded_at timestamptz not null default now(),
    document tsvector not null,
    primary key (team, scope, conversation, position),
    unique (team, scope, conversation, id),
    foreign key (team, scope, conversation) references memory.conversation (team, scope, id) on delete cascade
);

create index turn_words on memory.turn using gin (document) with (fastupdate = on);

create table memory.turn_embedding (
    team text collate "C" not null,
    scope text collate "C" not null,
    conversation text collate "C" not null,
    position integer not null,
    model text collate "C" not null,
    embedding public.halfvec not null,
    primary key (team, scope, conversation, position),
    foreign key (team, scope, conversation, position)
        references memory.turn (team, scope, conversation, position) on delete cascade
);

-- Counts of a scope that is too large to be counted while searching.
create table memory.scope_statistics (
    team text collate "C" not null,
    scope text collate "C" not null,
    memories bigint not null,
    average_length real not null,
    refreshed_at timestamptz not null default now(),
    primary key (team, scope)
);

create table memory.lexeme (
    team text collate "C" not null,
    scope text collate "C" not null,
    lexeme text collate "C" not null,
    memories integer not null,
    primary key (team, scope, lexeme),
    foreign key (team, scope) references memory.scope_statistics (team, scope) on delete cascade
);

-- Proof that something was erased: how much, when, and a digest of the ids; nothing of what it said.
create table memory.erasure (
    team text collate "C" not null,
    id uuid not null,
    scope_digest bytea not null,
    erased_at timestamptz not null default now(),
    memories integer not null,
    versions integer not null,
    turns integer not null,
    ids_digest bytea not null,
    reason text,
    primary key (team, id)
);

alter table memory.memory enable row level security;
alter table memory.embedding enable row level security;
alter table memory.link enable row level security;
alter table memory.conversation enable row level security;
alter table memory.turn enable row level security;
alter table memory.turn_embedding enable row level security;
alter table memory.scope_statistics enable row level security;
alter table memory.lexeme enable row level security;
alter table memory.erasure enable row level security;

do $$
declare
    relation text;
begin
    foreach relation in array array[
        'memory', 'embedding', 'link', 'conversation', 'turn', 'turn_embedding', 'scope_statistics', 'lexeme'
    ]
    loop
        execute format(
            'create policy own_scopes on memory.%I using ('
            '    team = (select memory.caller_team()) and scope = any ((select memory.readable_scopes())::text[])'
            ')',
            relation
        );
    end loop;
end
$$;

create policy own_scopes on memory.erasure using (
    team = (select memory.caller_team())
    and scope_digest = any (array(select sha256(convert_to(name, 'UTF8')) from unnest(memory.readable_scopes()) as name))
);

grant select, insert, update, delete on
    memory.memory, memory.embedding, memory.link, memory.conversation, memory.turn, memory.turn_embedding,
    memory.scope_statistics, memory.lexeme
to rookery_memory;
grant select, insert on memory.erasure to rookery_memory;
