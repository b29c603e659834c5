-- requires-program: 0.1.0
-- How readers reach the store: functions that run as the owner, ask who the caller is (set in the transaction by
-- rookery_core.database) and filter by the channels that caller may see. Readers have no grant on any table.

-- Readers reach slack.messages by times that they know beforehand, so that only the chunks of those times are opened:
-- where a thread's replies stand is in a plain table of its own, and how far a page reaches the search table tells.

-- Whether anybody may be shown direct messages at all, and which channels this server serves (empty: all), are
-- settings of the server, set in the transaction like the caller.
create function slack.setting(name text) returns text language sql stable
set search_path = pg_catalog as $$
    select nullif(current_setting('rookery.' || name, true), '')
$$;

-- The caller's kind, never more trusted than what Slack says of the person: whoever asks as a member but is a guest
-- there is a guest here. 'nobody' sees nothing.
create function slack.caller_kind() returns text language sql stable security definer
set search_path = pg_catalog, slack as $$
    select case
        when slack.setting('team') is null or slack.setting('kind') is null then 'nobody'
        when slack.setting('kind') in ('anonymous', 'agent') then 'anonymous'
        when slack.setting('kind') not in ('member', 'guest', 'outsider') or slack.setting('user') is null then 'nobody'
        when person.is_deactivated then 'nobody'
        when slack.setting('kind') = 'outsider' or person.is_stranger then 'outsider'
        when slack.setting('kind') = 'guest' or person.is_guest then 'guest'
        else 'member'
    end
    from (values (1)) as one (row)
    left join slack.users as person on person.team = slack.setting('team') and person.id = slack.setting('user')
$$;

-- Channels the caller is a member of: present, and not older than the channel's last full list of members.
create function slack.joined_channels() returns text[] language sql stable security definer
set search_path = pg_catalog, slack as $$
    select coalesce(array_agg(m.channel), '{}')
    from slack.memberships as m
    join slack.channels as c on c.team = m.team and c.id = m.channel
    where m.team = slack.setting('team') and m.member = slack.setting('user') and m.present and m.at >= c.members_as_of
$$;

-- The channels the caller may see. Everything else reads through this.
create function slack.visible_channels() returns text[] language sql stable security definer
set search_path = pg_catalog, slack as $$
    with caller as materialized (
        select slack.caller_kind() as kind, slack.joined_channels() as joined,
            coalesce(slack.setting('slack_dms'), 'off') = 'participants' as dms,
            string_to_array(slack.setting('slack_channels'), ',') as allowed
    )
    select coalesce(array_agg(c.id order by c.id), '{}')
    from slack.channels as c, caller
    where c.team = slack.setting('team')
      and (caller.allowed is null or c.id = any (caller.allowed) or c.name = any (caller.allowed))
      and case caller.kind
          when 'anonymous' then c.kind = 'public'
          when 'member' then c.kind = 'public'
              or (c.id = any (caller.joined) and (c.kind = 'private' or (caller.dms and c.kind in ('im', 'mpim'))))
          when 'guest' then c.id = any (caller.joined)
              and (c.kind in ('public', 'private') or (caller.dms and c.kind in ('im', 'mpim')))
          when 'outsider' then c.id = slack.setting('channel')
              and ((c.kind = 'public' and (c.is_shared or c.id = any (caller.joined)))
                  or (c.kind = 'private' and c.id = any (caller.joined)))
          else false
      end
$$;

-- The people a caller may know of: everybody, but for guests and outsiders only those who share a channel with them.
create function slack.sees_user(person text) returns boolean language sql stable security definer
set search_path = pg_catalog, slack as $$
    select case slack.caller_kind()
        when 'nobody' then false
        when 'guest' then person = slack.setting('user') or exists (
            select from slack.memberships as m
            join slack.channels as c on c.team = m.team and c.id = m.channel
            where m.team = slack.setting('team') and m.member = person and m.present and m.at >= c.members_as_of
              and m.channel = any (slack.visible_channels()))
        when 'outsider' then person = slack.setting('user') or exists (
            select from slack.memberships as m
            join slack.channels as c on c.team = m.team and c.id = m.channel
            where m.team = slack.setting('team') and m.member = person and m.present and m.at >= c.members_as_of
              and m.channel = any (slack.visible_channels()))
        else true
    end
$$;

-- A message as readers get it. For the owner's functions only.
create view slack.readable as
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

-- Messages of a channel in [from_ts, to_ts], whole or only what stands in the channel itself (no replies).
create function slack.read_channel(
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

-- A thread from after_ts on: its first message (a tombstone where it was deleted) and the replies, oldest first.
create function slack.read_thread(
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

-- Messages by channel and time, as many as are visible.
create function slack.read_messages(channels text[], times timestamptz[])
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

-- What a person wrote in [from_ts, to_ts], newest first, in the channels given (null: all).
create function slack.read_author(
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

-- How much happened in each visible channel in (from_ts, to_ts]: messages, threads touched, people, the busiest first.
create function slack.count_activity(in_channels text[], from_ts timestamptz, to_ts timestamptz)
returns table (channel text, messages bigint, threads bigint, people bigint, edited bigint, deleted bigint,
    first_ts timestamptz, last_ts timestamptz)
language sql stable security definer
set search_path = pg_catalog, slack as $$
    select m.channel, count(*) filter (where m.deleted_at is null and m.ts > from_ts),
        count(distinct m.thread_ts) filter (where m.deleted_at is null and m.ts > from_ts),
        count(distinct m.author) filter (where m.deleted_at is null and m.ts > from_ts),
        count(*) filter (where m.ts <= from_ts and m.edit_ts > from_ts),
        count(*) filter (where m.deleted_at > from_ts),
        min(m.ts) filter (where m.deleted_at is null and m.ts > from_ts),
        max(m.ts) filter (where m.deleted_at is null and m.ts > from_ts)
    from unnest(slack.visible_channels()) as visible (channel)
    join slack.messages as m on m.team = slack.setting('team') and m.channel = visible.channel
    where (in_channels is null or visible.channel = any (in_channels)) and m.ts <= to_ts
      and (m.ts > from_ts or (m.ts > from_ts - interval '30 days' and (m.edit_ts > from_ts or m.deleted_at > from_ts)))
      and coalesce(m.subtype, '') not in ('channel_join', 'channel_leave', 'group_join', 'group_leave')
    group by m.channel order by 2 desc, 1
$$;

-- The roots of the threads (or lone messages) with most going on in (from_ts, to_ts] of one channel.
create function slack.busiest_threads(wanted text, from_ts timestamptz, to_ts timestamptz, row_limit integer)
returns table (root_ts timestamptz, messages bigint, people bigint, last_ts timestamptz)
language sql stable security definer
set search_path = pg_catalog, slack as $$
    select coalesce(m.thread_ts, m.ts), count(*), count(distinct m.author), max(m.ts)
    from slack.messages as m
    where m.team = slack.setting('team') and m.channel = wanted and m.ts > from_ts and m.ts <= to_ts
      and wanted = any ((select slack.visible_channels())::text[]) and m.deleted_at is null
      and coalesce(m.subtype, '') not in ('channel_join', 'channel_leave', 'group_join', 'group_leave')
    group by 1 order by 2 desc, 4 desc limit row_limit
$$;

create type slack.channel_card as (
    id text, name text, kind text, topic text, purpose text, is_archived boolean, is_shared boolean,
    previous_names text[], workspace text, url text, member_count integer
);

-- Cards of visible channels, of those named or (null) of all.
create function slack.cards(wanted text[]) returns setof slack.channel_card language sql stable security definer
set search_path = pg_catalog, slack as $$
    select c.id, c.name, c.kind, c.topic, c.purpose, c.is_archived, c.is_shared, c.previous_names, c.workspace, w.url,
        (select count(*)::integer from slack.memberships as m
            where m.team = c.team and m.channel = c.id and m.present and m.at >= c.members_as_of)
    from unnest(slack.visible_channels()) as visible (id)
    join slack.channels as c on c.team = slack.setting('team') and c.id = visible.id and (wanted is null or c.id = any (wanted))
    left join slack.workspaces as w on w.team = c.team and w.id = c.workspace
$$;

-- Visible channels whose name, topic or purpose contains the text (null: all), by name, after a name and id.
create function slack.list_channels(
    containing text, with_archived boolean, after_name text, after_id text, row_limit integer
) returns setof slack.channel_card language sql stable security definer
set search_path = pg_catalog, slack as $$
    select * from slack.cards(null) as c
    where (with_archived or not c.is_archived)
      and (containing is null or strpos(lower(concat_ws(' ', c.id, c.name, c.topic, c.purpose,
          array_to_string(c.previous_names, ' '))), lower(containing)) > 0)
      and (after_id is null or (coalesce(c.name, ''), c.id) > (after_name, after_id))
    order by coalesce(c.name, '') collate "C", c.id collate "C" limit row_limit
$$;

-- The visible channels a reference may mean: by id, else name, else former name, else names like it (similarity < 1).
create function slack.find_channels(reference text)
returns table (id text, name text, likeness real) language sql stable security definer
set search_path = pg_catalog, slack, public as $$
    select c.id, c.name,
        (case when c.id = reference then 4 when c.name = reference then 3
            when lower(c.name) = lower(reference) then 2 when reference = any (c.previous_names) then 1.5
            else similarity(lower(coalesce(c.name, '')), lower(reference)) end)::real as likeness
    from slack.channels as c
    where c.team = slack.setting('team') and c.id = any ((select slack.visible_channels())::text[])
    order by likeness desc, c.name, c.id limit 6
$$;

create type slack.user_card as (
    id text, name text, real_name text, display_name text, title text, tz text, is_bot boolean, is_guest boolean,
    is_stranger boolean, is_deactivated boolean
);

-- People the caller may know of whose names contain the text (null: all), after a name and id.
create function slack.list_users(
    containing text, with_bots boolean, with_deactivated boolean, after_name text, after_id text, row_limit integer
) returns setof slack.user_card language sql stable security definer
set search_path = pg_catalog, slack as $$
    select u.id, u.name, u.real_name, u.display_name, u.title, u.tz, u.is_bot, u.is_guest, u.is_stranger, u.is_deactivated
    from slack.users as u
    where u.team = slack.setting('team') and (with_bots or not u.is_bot) and (with_deactivated or not u.is_deactivated)
      and (containing is null or strpos(lower(concat_ws(' ', u.id, u.name, u.real_name, u.display_name)),
          lower(containing)) > 0)
      and (after_id is null or (coalesce(u.name, ''), u.id) > (after_name, after_id))
      and case when slack.caller_kind() in ('member', 'anonymous') then true else slack.sees_user(u.id) end
    order by coalesce(u.name, '') collate "C", u.id collate "C" limit row_limit
$$;

-- The people a reference may mean: by id, else exactly by one of their names, else by names like it.
create function slack.find_users(reference text)
returns table (id text, name text, likeness real) language sql stable security definer
set search_path = pg_catalog, slack, public as $$
    select u.id, coalesce(nullif(u.display_name, ''), nullif(u.real_name, ''), u.name),
        (case when u.id = reference then 4 when lower(u.name) = lower(reference) then 3
            when lower(u.display_name) = lower(reference) or lower(u.real_name) = lower(reference) then 2
            else similarity(lower(concat_ws(' ', u.name, u.real_name, u.display_name)), lower(reference)) end)::real
    from slack.users as u
    where u.team = slack.setting('team')
      and case when slack.caller_kind() in ('member', 'anonymous') then true else slack.sees_user(u.id) end
    order by 3 desc, 2, 1 limit 6
$$;

-- Names for what messages mention: people, visible channels, groups.
create function slack.names_of(people text[], channels text[], groups text[])
returns table (id text, sort text, name text, kind text) language sql stable security definer
set search_path = pg_catalog, slack as $$
    select u.id, 'user', coalesce(nullif(u.display_name, ''), nullif(u.real_name, ''), u.name),
        case when u.is_bot then 'bot' when u.is_stranger then 'external' when u.is_guest then 'guest' else 'member' end
    from slack.users as u
    where u.team = slack.setting('team') and u.id = any (people) and slack.caller_kind() <> 'nobody'
    union all
    select c.id, 'channel', c.name, c.kind from slack.channels as c
    where c.team = slack.setting('team') and c.id = any (channels)
      and c.id = any ((select slack.visible_channels())::text[])
    union all
    select g.id, 'group', g.handle, null from slack.user_groups as g
    where g.team = slack.setting('team') and g.id = any (groups) and slack.caller_kind() <> 'nobody'
$$;

-- Members of a visible channel by name, after a name and id.
create function slack.channel_members(wanted text, after_name text, after_id text, row_limit integer)
returns setof slack.user_card language sql stable security definer
set search_path = pg_catalog, slack as $$
    select m.member, u.name, u.real_name, u.display_name, u.title, u.tz, coalesce(u.is_bot, false),
        coalesce(u.is_guest, false), coalesce(u.is_stranger, false), coalesce(u.is_deactivated, false)
    from slack.memberships as m
    join slack.channels as c on c.team = m.team and c.id = m.channel
    left join slack.users as u on u.team = m.team and u.id = m.member
    where m.team = slack.setting('team') and m.channel = wanted and m.present and m.at >= c.members_as_of
      and wanted = any ((select slack.visible_channels())::text[])
      and (after_id is null or (coalesce(u.name, ''), m.member) > (after_name, after_id))
    order by coalesce(u.name, '') collate "C", m.member collate "C" limit row_limit
$$;

-- The caller's own time zone, if Slack knows it.
create function slack.caller_zone() returns text language sql stable security definer
set search_path = pg_catalog, slack as $$
    select u.tz from slack.users as u where u.team = slack.setting('team') and u.id = slack.setting('user')
$$;

-- How complete visible channels (null: all) are: messages, first and last, what is covered, what awaits a vector.
create function slack.channel_coverage(in_channels text[])
returns table (channel text, name text, messages bigint, first_ts timestamptz, last_ts timestamptz,
    covered jsonb, without_vector bigint)
language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
#variable_conflict use_column
declare
    of_team text := slack.setting('team');
    wanted text[] := array(
        select v.id from unnest(slack.visible_channels()) as v (id)
        where in_channels is null or v.id = any (in_channels));
begin
    return query select c.id, c.name, coalesce(held.messages, 0), held.first_ts, held.last_ts,
        (select jsonb_agg(jsonb_build_array(v.from_ts, v.to_ts) order by v.from_ts) from slack.coverage as v
            where v.team = c.team and v.channel = c.id),
        (select count(*) from slack.message_index as i
            where i.team = c.team and i.channel = c.id and i.model is null)
    from slack.channels as c
    left join (
        select h.channel, h.messages, h.first_ts, h.last_ts from slack.holdings as h
        where h.team = of_team and h.channel = any (wanted)
    ) as held on held.channel = c.id
    where c.team = of_team and c.id = any (wanted)
    order by c.name, c.id;
end
$$;

-- The moment up to which visible channels (null: all) are known, and how many stretches are missing in between.
create function slack.freshness(in_channels text[])
returns table (as_of timestamptz, gaps bigint) language sql stable security definer
set search_path = pg_catalog, slack as $$
    select max(reached.to_ts), coalesce(sum(reached.stretches - 1), 0)::bigint
    from (
        select v.channel, max(v.to_ts) as to_ts, count(*) as stretches from slack.coverage as v
        where v.team = slack.setting('team') and v.channel = any ((select slack.visible_channels())::text[])
          and (in_channels is null or v.channel = any (in_channels))
        group by v.channel
    ) as reached
$$;
