-- requires-program: 0.1.0
-- What is kept of Slack. Every table merges observations: a row says what is known and when it was true, so that
-- the same observations give the same rows in whatever order, and however often, they arrive.
create schema slack;

create table slack.workspaces (
    team text collate "C" not null,
    id text collate "C" not null,
    url text,
    name text,
    seen_at timestamptz not null,
    primary key (team, id)
);

create table slack.users (
    team text collate "C" not null,
    id text collate "C" not null,
    workspace text collate "C",
    name text,
    real_name text,
    display_name text,
    title text,
    tz text,
    is_bot boolean not null default false,
    is_guest boolean not null default false,
    is_stranger boolean not null default false,
    is_deactivated boolean not null default false,
    updated timestamptz not null,
    seen_at timestamptz not null,
    primary key (team, id)
);

create table slack.user_groups (
    team text collate "C" not null,
    id text collate "C" not null,
    handle text,
    name text,
    members text[] not null default '{}',
    is_deleted boolean not null default false,
    updated timestamptz not null,
    members_at timestamptz not null default '-infinity',
    primary key (team, id)
);

-- kind: public, private, im, mpim, or null while unknown (such a channel is shown to nobody).
create table slack.channels (
    team text collate "C" not null,
    id text collate "C" not null,
    workspace text collate "C",
    name text,
    name_at timestamptz not null default '-infinity',
    kind text check (kind in ('public', 'private', 'im', 'mpim')),
    kind_at timestamptz not null default '-infinity',
    topic text,
    topic_at timestamptz not null default '-infinity',
    purpose text,
    purpose_at timestamptz not null default '-infinity',
    is_archived boolean not null default false,
    archived_at timestamptz not null default '-infinity',
    is_shared boolean not null default false,
    shared_at timestamptz not null default '-infinity',
    created_at timestamptz,
    previous_names text[] not null default '{}',
    members_as_of timestamptz not null default '-infinity',
    primary key (team, id)
);
create index channels_by_name on slack.channels (team, name);

-- A channel whose id changed (a merged workspace, a conversion): what arrives under the old id is kept under the new.
create table slack.channel_aliases (
    team text collate "C" not null,
    old_id text collate "C" not null,
    new_id text collate "C" not null,
    at timestamptz not null,
    primary key (team, old_id)
);

-- A membership counts when it is present and not older than the channel's last full list of members.
create table slack.memberships (
    team text collate "C" not null,
    channel text collate "C" not null,
    member text collate "C" not null,
    present boolean not null,
    at timestamptz not null,
    primary key (team, channel, member)
);
create index memberships_by_member on slack.memberships (team, member);

-- The one copy of every message's text. (edit_ts, seen_ts, source, slack.fullness) orders the versions of a message: the
-- greatest seen is the one kept here. edit_ts and seen_ts may be null for the message's own ts (never edited; seen as it
-- was said). A row without a source has no version: it was deleted. No reader has a grant on this table; see the reading
-- functions.
create table slack.messages (
    team text collate "C" not null,
    channel text collate "C" not null,
    ts timestamptz not null,
    thread_ts timestamptz,
    author text collate "C",
    subtype text collate "C",
    text text,
    content jsonb,
    edit_ts timestamptz,
    seen_ts timestamptz,
    source smallint,
    deleted_at timestamptz,
    reactions_as_of timestamptz not null default '-infinity',
    primary key (team, channel, ts)
);
create index messages_by_thread on slack.messages (team, channel, thread_ts, ts) where thread_ts is not null;
create index messages_by_author on slack.messages (team, author, ts desc) where author is not null;
create index messages_deleted on slack.messages (team, channel) where deleted_at is not null;

-- Replies that are not deleted, kept by the writer: to count them took a visit to every chunk.
create table slack.replies (
    team text collate "C" not null,
    channel text collate "C" not null,
    root_ts timestamptz not null,
    ts timestamptz not null,
    primary key (team, channel, root_ts, ts)
);

-- What messages said before they were edited: for each moment of editing, its greatest version.
create table slack.message_history (
    team text collate "C" not null,
    channel text collate "C" not null,
    ts timestamptz not null,
    edit_ts timestamptz not null,
    seen_ts timestamptz not null,
    source smallint not null,
    digest bytea not null,
    text text not null,
    primary key (team, channel, ts, edit_ts)
);

create table slack.reactions (
    team text collate "C" not null,
    channel text collate "C" not null,
    ts timestamptz not null,
    emoji text collate "C" not null,
    reactor text collate "C" not null,
    present boolean not null,
    at timestamptz not null,
    primary key (team, channel, ts, emoji, reactor)
);

-- Files that were deleted in Slack, whatever still mentions them.
create table slack.deleted_files (
    team text collate "C" not null,
    id text collate "C" not null,
    at timestamptz not null,
    primary key (team, id)
);

-- What search reads: no text, only the words in it and its vector. public is the channel's kind, kept by a trigger,
-- so that approximate vector search and word statistics know public rows alone.
create table slack.message_index (
    team text collate "C" not null,
    channel text collate "C" not null,
    ts timestamptz not null,
    thread_ts timestamptz,
    author text collate "C",
    public boolean not null,
    has_file boolean not null,
    has_link boolean not null,
    words tsvector not null,
    embedding halfvec,
    model text collate "C",
    primary key (team, channel, ts)
);
create index message_index_words on slack.message_index using gin (words) with (gin_pending_list_limit = 1024);
create index message_index_by_time on slack.message_index (team, ts desc);
create index message_index_by_author on slack.message_index (team, author, ts desc);
create index message_index_without_vector on slack.message_index (team, ts desc) where model is null;
-- Whether any message outside of the public ones is left to be compared by itself.
create index message_index_not_public on slack.message_index (team, channel, ts) where not public;

-- Raw events, kept for a while: what was not understood can be applied again by a later program.
create table slack.raw_events (
    team text collate "C" not null,
    received_at timestamptz not null default now(),
    id bigint generated always as identity,
    event_id text collate "C",
    type text collate "C",
    channel text collate "C",
    ts timestamptz,
    outcome text not null check (outcome in ('applied', 'not_understood', 'failed', 'erased')),
    problem text,
    payload jsonb,
    primary key (team, received_at, id)
);
create index raw_events_to_replay on slack.raw_events (team, id) where outcome in ('not_understood', 'failed');
create index raw_events_by_message on slack.raw_events (team, channel, ts);

-- What was read whole, so that reading it again is quick. A day of a channel in an export is known by its content.
create table slack.imported_days (
    team text collate "C" not null,
    channel text collate "C" not null,
    day text collate "C" not null,
    digest bytea not null,
    as_of timestamptz not null,
    messages integer not null,
    imported_at timestamptz not null default now(),
    primary key (team, channel, day, digest)
);

-- Stretches of a channel's time of which every message is known to be here; between them are the gaps.
create table slack.coverage (
    team text collate "C" not null,
    channel text collate "C" not null,
    from_ts timestamptz not null,
    to_ts timestamptz not null,
    primary key (team, channel, from_ts),
    check (from_ts <= to_ts)
);

-- Messages that match (a jsonpath predicate over the message) are never stored.
create table slack.discard_rules (
    team text collate "C" not null,
    id bigint generated always as identity,
    rule jsonpath not null,
    note text,
    primary key (team, id)
);

-- How long a channel is kept ('*': every channel without its own rule), and people whose words are not kept at all.
create table slack.retention (
    team text collate "C" not null,
    channel text collate "C" not null,
    keep_days integer not null check (keep_days > 0),
    primary key (team, channel)
);
create table slack.erased_users (
    team text collate "C" not null,
    id text collate "C" not null,
    erased_at timestamptz not null default now(),
    primary key (team, id)
);
create table slack.erased_channels (
    team text collate "C" not null,
    id text collate "C" not null,
    erased_at timestamptz not null default now(),
    primary key (team, id)
);

-- When a method of Slack's API may be called next, shared by every copy of the program.
create table slack.api_limits (
    team text collate "C" not null,
    method text collate "C" not null,
    next_at timestamptz not null,
    primary key (team, method)
);

-- What the program last did, such as a synchronisation, and until when a listener was connected.
create table slack.marks (
    team text collate "C" not null,
    name text collate "C" not null,
    at timestamptz not null,
    detail jsonb,
    primary key (team, name)
);

-- Keeps slack.message_index.public true to the channel's kind, in the transaction that changes it.
create function slack.mark_public() returns trigger language plpgsql set search_path = pg_catalog, slack as $$
begin
    update slack.message_index set public = (new.kind is not distinct from 'public')
    where team = new.team and channel = new.id and public <> (new.kind is not distinct from 'public');
    return null;
end
$$;
create trigger channels_mark_public after update of kind on slack.channels
    for each row when (old.kind is distinct from new.kind) execute function slack.mark_public();
-- Messages may have come before anything was known of their channel.
create trigger channels_mark_public_first after insert on slack.channels
    for each row when (new.kind = 'public') execute function slack.mark_public();

grant usage on schema slack to rookery_slack, rookery_ingest;
grant select, insert, update, delete on all tables in schema slack to rookery_ingest;

-- Rows of another team are out of reach of the writer too. slack.messages can have no row-level security (its old
-- chunks are columns); only the owner's functions and the writer touch it.
do $$
declare
    name text;
begin
    foreach name in array array['workspaces', 'users', 'user_groups', 'channels', 'channel_aliases', 'memberships',
        'replies', 'message_history', 'reactions', 'deleted_files', 'message_index', 'imported_days',
        'coverage', 'discard_rules', 'retention', 'erased_users', 'erased_channels', 'api_limits', 'marks']
    loop
        execute format('alter table slack.%I enable row level security', name);
        execute format('create policy own_team on slack.%I to rookery_ingest '
            'using (team = current_setting(''rookery.team'', true))', name);
    end loop;
end
$$;

-- After an import the planner should know the tables as they are now, not as autovacuum will find them in a minute.
do $$
begin
    if current_setting('server_version_num')::integer >= 170000 then
        execute 'grant maintain on slack.messages, slack.message_index, slack.reactions to rookery_ingest';
    end if;
end
$$;

-- How much is held of each channel, counted in the key of slack.messages alone: to look at each row whether it was deleted
-- took seconds of a million. The first and the last may be tombstones.
create view slack.holdings as
select stored.team, stored.channel, stored.messages - coalesce(deleted.messages, 0) as messages, stored.first_ts,
    stored.last_ts
from (
    select m.team, m.channel, count(*) as messages, min(m.ts) as first_ts, max(m.ts) as last_ts
    from slack.messages as m group by m.team, m.channel
) as stored
left join (
    select m.team, m.channel, count(*) as messages from slack.messages as m where m.deleted_at is not null
    group by m.team, m.channel
) as deleted on deleted.team = stored.team and deleted.channel = stored.channel;
grant select on slack.holdings to rookery_ingest;
