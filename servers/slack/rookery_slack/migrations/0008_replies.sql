-- requires-program: 0.1.0
-- Readers reach slack.messages by times that they know beforehand, so that only the chunks of those times are opened:
-- where a thread's replies stand is in a plain table of its own, and how far a page reaches the search table tells.

-- Replies that are not deleted, kept by the writer: to count them took a visit to every chunk.
create table slack.replies (
    team text collate "C" not null,
    channel text collate "C" not null,
    root_ts timestamptz not null,
    ts timestamptz not null,
    primary key (team, channel, root_ts, ts)
);
alter table slack.replies enable row level security;
create policy own_team on slack.replies to rookery_ingest using (team = current_setting('rookery.team', true));
grant select, insert, update, delete on slack.replies to rookery_ingest;

insert into slack.replies (team, channel, root_ts, ts)
select team, channel, thread_ts, ts from slack.messages where thread_ts is not null and deleted_at is null
order by team, channel, thread_ts, ts;

create or replace view slack.readable as
select m.team, m.channel, m.ts, m.thread_ts, m.author, m.subtype, m.text, m.content,
    case when m.edit_ts > m.ts then m.edit_ts end as edited_at,
    m.deleted_at,
    (select jsonb_agg(jsonb_build_array(given.emoji, given.reactors) order by given.first_at, given.emoji)
        from (
            select r.emoji, array_agg(r.reactor order by r.at, r.reactor) as reactors, min(r.at) as first_at
            from slack.reactions as r
            where r.team = m.team and r.channel = m.channel and r.ts = m.ts and r.present and r.at >= m.reactions_as_of
            group by r.emoji
        ) as given) as reactions,
    (select count(*)::integer from slack.replies as reply
        where reply.team = m.team and reply.channel = m.channel and reply.root_ts = m.ts) as reply_count,
    (select max(reply.ts) from slack.replies as reply
        where reply.team = m.team and reply.channel = m.channel and reply.root_ts = m.ts) as latest_reply,
    (select array_agg(gone.id) from jsonb_array_elements(m.content -> 'files') as f (file)
        join slack.deleted_files as gone on gone.team = m.team and gone.id = f.file ->> 'id') as deleted_files
from slack.messages as m;

-- The moment of the row_limit-th indexed message of a stretch, from its end or from its beginning on; null where it
-- has fewer. Every one of them is a message to be read, so a page of so many lies on this side of it.
create function slack.page_end(
    of_channel text, from_ts timestamptz, to_ts timestamptz, newest_first boolean, with_replies boolean,
    row_limit integer
) returns timestamptz language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan as $$
declare
    of_team text := slack.setting('team');
begin
    if newest_first then
        return (select i.ts from slack.message_index as i
            where i.team = of_team and i.channel = of_channel and i.ts between from_ts and to_ts
              and (with_replies or i.thread_ts is null)
            order by i.ts desc offset row_limit - 1 limit 1);
    end if;
    return (select i.ts from slack.message_index as i
        where i.team = of_team and i.channel = of_channel and i.ts between from_ts and to_ts
          and (with_replies or i.thread_ts is null)
        order by i.ts offset row_limit - 1 limit 1);
end
$$;

create or replace function slack.read_channel(
    wanted text, from_ts timestamptz, to_ts timestamptz, newest_first boolean, with_replies boolean, row_limit integer
) returns setof slack.readable language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    enough timestamptz := slack.page_end(wanted, from_ts, to_ts, newest_first, with_replies, row_limit);
    lowest timestamptz := case when newest_first then coalesce(enough, from_ts) else from_ts end;
    highest timestamptz := case when newest_first then to_ts else coalesce(enough, to_ts) end;
begin
    if not wanted = any (slack.visible_channels()) then
        return;
    end if;
    if newest_first then
        return query select * from slack.readable as r
            where r.team = of_team and r.channel = wanted and r.ts between lowest and highest
              and (r.deleted_at is null or (r.thread_ts is null and r.reply_count > 0))
              and (with_replies or r.thread_ts is null or r.subtype = 'thread_broadcast')
            order by r.ts desc limit row_limit;
    else
        return query select * from slack.readable as r
            where r.team = of_team and r.channel = wanted and r.ts between lowest and highest
              and (r.deleted_at is null or (r.thread_ts is null and r.reply_count > 0))
              and (with_replies or r.thread_ts is null or r.subtype = 'thread_broadcast')
            order by r.ts limit row_limit;
    end if;
end
$$;

create or replace function slack.read_thread(
    wanted text, root_ts timestamptz, after_ts timestamptz, row_limit integer
) returns setof slack.readable language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    times timestamptz[] := array(
        select t.ts from (
            select read_thread.root_ts as ts
            union
            select reply.ts from slack.replies as reply
            where reply.team = slack.setting('team') and reply.channel = wanted
              and reply.root_ts = read_thread.root_ts
        ) as t
        where t.ts > after_ts order by t.ts limit row_limit + 1);
    lowest timestamptz := times[1];
    highest timestamptz := times[cardinality(times)];
begin
    if not wanted = any (slack.visible_channels()) then
        return;
    end if;
    -- times are one more than asked for, as the first message of a thread may be missing
    return query select * from slack.readable as r
        where r.team = of_team and r.channel = wanted and r.ts = any (times) and r.ts between lowest and highest
        order by r.ts limit row_limit;
end
$$;

create or replace function slack.read_messages(channels text[], times timestamptz[])
returns setof slack.readable language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    visible text[] := slack.visible_channels();
begin
    return query select r.* from unnest(channels, times) as wanted (channel, ts)
        join slack.readable as r on r.team = of_team and r.channel = wanted.channel and r.ts = wanted.ts
        where wanted.channel = any (visible) and r.deleted_at is null and r.ts = any (times);
end
$$;

create or replace function slack.read_author(
    person text, in_channels text[], from_ts timestamptz, to_ts timestamptz, row_limit integer
) returns setof slack.readable language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    visible text[] := slack.visible_channels();
    -- of the row_limit-th indexed message, as for a page of a channel
    enough timestamptz := (
        select i.ts from slack.message_index as i
        where i.team = slack.setting('team') and i.author = person and i.ts between from_ts and to_ts
          and i.channel = any (visible) and (in_channels is null or i.channel = any (in_channels))
        order by i.ts desc offset row_limit - 1 limit 1);
    lowest timestamptz := coalesce(enough, from_ts);
begin
    return query select * from slack.readable as r
        where r.team = of_team and r.author = person and r.ts between lowest and to_ts
          and r.channel = any (visible) and (in_channels is null or r.channel = any (in_channels))
          and r.deleted_at is null
          and coalesce(r.subtype, '') not in ('channel_join', 'channel_leave', 'group_join', 'group_leave')
        order by r.ts desc, r.channel limit row_limit;
end
$$;
revoke execute on function slack.page_end(text, timestamptz, timestamptz, boolean, boolean, integer) from public;

-- Old chunks are joined to quarters as they become columns: a channel's week is too little to compress well, and every
-- chunk costs each read a little. What a chunk was joined to is written anew, so that its batches are full again.
create or replace function slack.compact_chunks(older_than interval) returns integer language plpgsql security definer
set search_path = pg_catalog, slack, public as $$
declare
    chunk record;
    joined regclass;
    quarters regclass[] := '{}';
    done integer := 0;
begin
    if not exists (select from pg_extension where extname = 'timescaledb') then
        return 0;
    end if;
    for chunk in execute
        'select format(''%I.%I'', chunk_schema, chunk_name)::regclass as name from timescaledb_information.chunks
        where hypertable_schema = ''slack'' and not is_compressed and range_end < now() - $1 order by range_end'
        using older_than
    loop
        execute 'select compress_chunk($1, if_not_compressed => true)' into joined using chunk.name;
        if joined <> chunk.name and not joined = any (quarters) then
            quarters := quarters || joined;
        end if;
        done := done + 1;
    end loop;
    foreach joined in array quarters loop
        execute 'select compress_chunk($1, recompress => true)' using joined;
    end loop;
    return done;
end
$$;
