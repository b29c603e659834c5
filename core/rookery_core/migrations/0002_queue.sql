-- requires-program: 0.1.0
-- The event queue. An event is one subscription's copy of what was published; it lives in queue.event until it is
-- done or cancelled (queue.history) or given up (queue.dead_letter).
create schema if not exists queue;

create sequence queue.event_id;

create table queue.subscription (
    team text collate "C" not null,
    name text collate "C" not null,
    topic text collate "C" not null,
    max_attempts smallint not null default 5 check (max_attempts between 1 and 1000),
    lease interval not null default '30 seconds' check (lease > '0'),
    backoff_base_s double precision not null default 1 check (backoff_base_s >= 0),
    backoff_cap_s double precision not null default 300 check (backoff_cap_s >= backoff_base_s),
    backoff_jitter double precision not null default 0.5 check (backoff_jitter between 0 and 1),
    concurrency integer check (concurrency > 0),
    key_concurrency smallint not null default 1 check (key_concurrency > 0),
    on_dead text not null default 'continue' check (on_dead in ('continue', 'block')),
    expires_after interval check (expires_after > '0'),
    paused boolean not null default false,
    -- counts the claims of a subscription with a limit, so that a claim notices another that it did not see
    turn bigint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    primary key (team, name)
) with (fillfactor = 50);

create index subscription_topic on queue.subscription (team, topic);

-- A key once used on a topic stays spent for ever: this table is never emptied.
create table queue.spent_key (
    team text collate "C" not null,
    topic text collate "C" not null,
    key text collate "C" not null,
    event_ids bigint[] not null,
    spent_at timestamptz not null,
    primary key (team, topic, key)
);

create table queue.event (
    team text collate "C" not null,
    id bigint not null,
    topic text collate "C" not null,
    subscription text collate "C" not null,
    -- ready: may be claimed. scheduled: not before run_at. blocked: another of its ordering key goes first.
    -- leased: some worker has it.
    state text collate "C" not null check (state in ('ready', 'scheduled', 'blocked', 'leased')),
    priority smallint not null default 0 check (priority between -5 and 5),
    attempts smallint not null default 0 check (attempts >= 0),
    cancel_requested boolean not null default false,
    ordering_key text collate "C",
    place bigint,
    run_at timestamptz,
    token bigint,
    lease_until timestamptz,
    claimed_at timestamptz,
    worker text collate "C",
    enqueued_at timestamptz not null,
    expires_at timestamptz,
    key text collate "C",
    trace_id text collate "C",
    replay_of bigint,
    errors jsonb,
    payload jsonb not null,
    primary key (team, id),
    constraint a_lease_is_whole check (
        case when state = 'leased'
            then token is not null and lease_until is not null and claimed_at is not null
                and worker is not null and attempts > 0 and run_at is null
            else token is null and lease_until is null and claimed_at is null and worker is null
        end
    ),
    constraint scheduled_for_a_time check (state <> 'scheduled' or run_at is not null),
    constraint ready_at_once check (state <> 'ready' or run_at is null),
    constraint blocked_in_a_lane check (state <> 'blocked' or ordering_key is not null),
    constraint a_place_in_each_lane check ((place is null) = (ordering_key is null)),
    constraint only_a_lease_is_asked_to_stop check (not cancel_requested or state = 'leased')
) with (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0,
    -- Statistics of a table that is empty one moment and full the next mislead the planner: without any it
    -- takes the indexes below, always.
    autovacuum_analyze_threshold = 2000000000
);

-- Its last column is an expression so that no other index offers this order: the planner must not walk the primary key.
create index event_ready on queue.event (team, subscription, priority, (id + 0)) where state = 'ready';
create index event_leased on queue.event (team, subscription, lease_until) where state = 'leased';
create index event_scheduled on queue.event (team, run_at) where state = 'scheduled';
create index event_lane on queue.event (team, subscription, ordering_key, place) where ordering_key is not null;
create index event_expiring on queue.event (team, expires_at) where expires_at is not null;

-- One row per ordering key with live events: whoever lets an event in or out of the lane holds this row.
create table queue.lane (
    team text collate "C" not null,
    subscription text collate "C" not null,
    ordering_key text collate "C" not null,
    arrived bigint not null,
    live integer not null check (live >= 0),
    lowest bigint not null default 0,
    version bigint not null default 0,
    blocked_by bigint,
    primary key (team, subscription, ordering_key)
) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 2000000000
);

create table queue.dead_letter (
    team text collate "C" not null,
    id bigint not null,
    topic text collate "C" not null,
    subscription text collate "C" not null,
    reason text collate "C" not null check (reason in ('failed', 'exhausted', 'expired')),
    died_at timestamptz not null,
    priority smallint not null,
    attempts smallint not null,
    ordering_key text collate "C",
    place bigint,
    enqueued_at timestamptz not null,
    key text collate "C",
    trace_id text collate "C",
    replay_of bigint,
    errors jsonb,
    payload jsonb not null,
    primary key (team, id)
);

create index dead_letter_subscription on queue.dead_letter (team, subscription, id);

-- Append-only. No unique key: on a server with TimescaleDB this becomes a hypertable on finished_at.
create table queue.history (
    team text collate "C" not null,
    event_id bigint not null,
    finished_at timestamptz not null,
    topic text collate "C" not null,
    subscription text collate "C" not null,
    outcome text collate "C" not null check (outcome in ('done', 'cancelled', 'discarded')),
    priority smallint not null,
    attempts smallint not null,
    enqueued_at timestamptz not null,
    claimed_at timestamptz,
    ordering_key text collate "C",
    key text collate "C",
    trace_id text collate "C",
    worker text collate "C",
    replay_of bigint,
    errors jsonb,
    payload jsonb not null
);

create index history_event on queue.history (team, event_id);
create index history_time on queue.history using brin (finished_at);

-- What a handler does to the world outside: intended before, receipted after.
create table queue.effect (
    team text collate "C" not null,
    owner text collate "C" not null,
    name text collate "C" not null,
    attempt smallint not null default 0,
    request jsonb not null,
    intended_at timestamptz not null,
    receipt jsonb,
    receipt_at timestamptz,
    primary key (team, owner, name),
    constraint a_receipt_is_whole check ((receipt is null) = (receipt_at is null))
);

create table queue.worker (
    team text collate "C" not null,
    id text collate "C" not null,
    host text not null,
    pid integer not null,
    subscriptions text[] not null,
    concurrency integer not null,
    in_flight integer not null,
    state text collate "C" not null check (state in ('running', 'draining')),
    started_at timestamptz not null,
    seen_at timestamptz not null,
    primary key (team, id)
) with (fillfactor = 50);

create table queue.schedule (
    team text collate "C" not null,
    name text collate "C" not null,
    topic text collate "C" not null,
    cron text not null,
    time_zone text not null,
    payload jsonb not null,
    ordering_key text collate "C",
    priority smallint not null default 0 check (priority between -5 and 5),
    next_at timestamptz not null,
    last_at timestamptz,
    paused boolean not null default false,
    primary key (team, name)
);

-- Rights on tables, not functions that run as the owner: the statements then belong to the program, so that an
-- old and a new program work side by side. Who only publishes can read no payload of anybody.
grant usage on schema queue
    to rookery_slack, rookery_docs, rookery_github, rookery_memory, rookery_ingest, rookery_agent;
grant usage on sequence queue.event_id
    to rookery_slack, rookery_docs, rookery_github, rookery_memory, rookery_ingest, rookery_agent;
grant select on queue.subscription to rookery_slack, rookery_docs, rookery_github;
grant select, insert on queue.spent_key to rookery_slack, rookery_docs, rookery_github;
grant select, insert, update on queue.lane to rookery_slack, rookery_docs, rookery_github;
grant insert, select (team, id) on queue.event to rookery_slack, rookery_docs, rookery_github;
grant select, insert on queue.spent_key to rookery_memory, rookery_ingest, rookery_agent;
grant select, insert, update, delete
    on queue.subscription, queue.event, queue.lane, queue.dead_letter, queue.history, queue.effect, queue.worker,
        queue.schedule
    to rookery_memory, rookery_ingest, rookery_agent;
