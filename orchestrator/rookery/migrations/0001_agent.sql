-- requires-program: 0.1.0
-- What the agent did: one run an answer, its model calls and tool calls, and calls that wait for their asker's yes.
create schema agent;

create table agent.runs (
    team text collate "C" not null,
    trace_id text collate "C" not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    asker text collate "C",
    asker_kind text not null,
    channel text collate "C",
    question text not null,
    answer text,
    citations jsonb not null default '[]',
    model text,
    extractive boolean not null default false,
    stop_reason text,
    problem text,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cache_read_tokens bigint not null default 0,
    cache_write_tokens bigint not null default 0,
    model_requests integer not null default 0,
    cost_usd double precision,
    total_ms double precision,
    model_ms double precision,
    tools_ms double precision,
    removed_links integer not null default 0,
    attempt integer not null default 1,
    primary key (team, trace_id)
);
create index runs_by_asker on agent.runs (team, asker, started_at desc);
create index runs_by_time on agent.runs (team, started_at desc);
create index runs_by_channel on agent.runs (team, channel, started_at desc) where channel is not null;

create table agent.model_calls (
    team text collate "C" not null,
    trace_id text collate "C" not null,
    attempt integer not null,
    number integer not null,
    model text not null,
    duration_ms double precision not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    stop text not null,
    primary key (team, trace_id, attempt, number),
    foreign key (team, trace_id) references agent.runs on delete cascade
);

create table agent.tool_calls (
    team text collate "C" not null,
    trace_id text collate "C" not null,
    attempt integer not null,
    number integer not null,
    server text not null,
    tool text not null,
    arguments jsonb not null,
    state text not null check (state in ('ok', 'error', 'failed', 'refused', 'pending')),
    duration_ms double precision not null,
    result_tokens integer not null,
    summary text not null default '',
    primary key (team, trace_id, attempt, number),
    foreign key (team, trace_id) references agent.runs on delete cascade
);

-- A call that changes something and that its asker has to confirm. It is made at most once: whoever takes it out of
-- `waiting` makes it.
create table agent.pending_actions (
    team text collate "C" not null,
    id text collate "C" not null,
    trace_id text collate "C" not null,
    asker text collate "C",
    server text not null,
    tool text not null,
    arguments jsonb not null,
    reason text not null,
    state text not null default 'waiting' check (state in ('waiting', 'confirmed', 'declined', 'done', 'failed')),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null default now() + interval '1 day',
    settled_at timestamptz,
    result text,
    primary key (team, id)
);

-- The descriptions of tools as they were first seen, so that a server cannot change them unnoticed.
create table agent.tool_pins (
    team text collate "C" not null,
    server text collate "C" not null,
    tool text collate "C" not null,
    digest text not null,
    pinned_at timestamptz not null default now(),
    primary key (team, server, tool)
);

grant usage on schema agent to rookery_agent;
grant select, insert, update, delete on all tables in schema agent to rookery_agent;
