-- requires-program: 0.1.0
-- Who reads the answer is part of who asks. The caller's transaction names the room of the answer (rookery.room), and
-- readers get what the asker and the room may see: in a direct message all of the asker's; among members public channels
-- and the room's own; where guests or people of another organisation read, the room's own only.

create index users_outside on slack.users (team, id) where is_guest or is_stranger;

-- Who reads: 'asker' alone, 'members', or 'others', whom the workspace's public channels are not open to. A room is never
-- more trusted than what Slack says of its channel and of the people in it.
create function slack.readers() returns text language sql stable security definer
set search_path = pg_catalog, slack as $$
    select case
        when slack.setting('room') is null or slack.setting('room') = 'direct' then 'asker'
        when slack.setting('room') not in ('public', 'private') then 'others'
        when exists (
            select from slack.channels as c
            where c.team = slack.setting('team') and c.id = slack.setting('channel') and c.is_shared) then 'others'
        when exists (
            select from slack.users as u
            join slack.memberships as m on m.team = u.team and m.member = u.id and m.channel = slack.setting('channel')
            join slack.channels as c on c.team = m.team and c.id = m.channel
            where u.team = slack.setting('team') and (u.is_guest or u.is_stranger) and not u.is_bot
              and not u.is_deactivated and m.present and m.at >= c.members_as_of) then 'others'
        else 'members'
    end
$$;

-- The channels the caller may see. Everything else reads through this.
create or replace function slack.visible_channels() returns text[] language sql stable security definer
set search_path = pg_catalog, slack as $$
    with caller as materialized (
        select slack.caller_kind() as kind, slack.joined_channels() as joined, slack.readers() as readers,
            coalesce(slack.setting('slack_dms'), 'off') = 'participants' as dms,
            string_to_array(slack.setting('slack_channels'), ',') as allowed
    )
    select coalesce(array_agg(c.id order by c.id), '{}')
    from slack.channels as c, caller
    where c.team = slack.setting('team')
      and (caller.allowed is null or c.id = any (caller.allowed) or c.name = any (caller.allowed))
      and case caller.readers
          when 'asker' then true
          when 'members' then c.kind = 'public' or c.id = slack.setting('channel')
          else c.id = slack.setting('channel')
      end
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

-- Whether the caller may know of everybody in the workspace; others know of whom they share a visible channel with.
create function slack.knows_everybody() returns boolean language sql stable security definer
set search_path = pg_catalog, slack as $$
    select slack.caller_kind() in ('member', 'anonymous') and slack.readers() <> 'others'
$$;

create or replace function slack.sees_user(person text) returns boolean language sql stable security definer
set search_path = pg_catalog, slack as $$
    select case
        when slack.caller_kind() = 'nobody' then false
        when slack.knows_everybody() then true
        else person = slack.setting('user') or exists (
            select from slack.memberships as m
            join slack.channels as c on c.team = m.team and c.id = m.channel
            where m.team = slack.setting('team') and m.member = person and m.present and m.at >= c.members_as_of
              and m.channel = any (slack.visible_channels()))
    end
$$;

create or replace function slack.list_users(
    containing text, with_bots boolean, with_deactivated boolean, after_name text, after_id text, row_limit integer
) returns setof slack.user_card language sql stable security definer
set search_path = pg_catalog, slack as $$
    select u.id, u.name, u.real_name, u.display_name, u.title, u.tz, u.is_bot, u.is_guest, u.is_stranger, u.is_deactivated
    from slack.users as u
    where u.team = slack.setting('team') and (with_bots or not u.is_bot) and (with_deactivated or not u.is_deactivated)
      and (containing is null or strpos(lower(concat_ws(' ', u.id, u.name, u.real_name, u.display_name)),
          lower(containing)) > 0)
      and (after_id is null or (coalesce(u.name, ''), u.id) > (after_name, after_id))
      and case when slack.knows_everybody() then true else slack.sees_user(u.id) end
    order by coalesce(u.name, '') collate "C", u.id collate "C" limit row_limit
$$;

create or replace function slack.find_users(reference text)
returns table (id text, name text, likeness real) language sql stable security definer
set search_path = pg_catalog, slack, public as $$
    select u.id, coalesce(nullif(u.display_name, ''), nullif(u.real_name, ''), u.name),
        (case when u.id = reference then 4 when lower(u.name) = lower(reference) then 3
            when lower(u.display_name) = lower(reference) or lower(u.real_name) = lower(reference) then 2
            else similarity(lower(concat_ws(' ', u.name, u.real_name, u.display_name)), lower(reference)) end)::real
    from slack.users as u
    where u.team = slack.setting('team')
      and case when slack.knows_everybody() then true else slack.sees_user(u.id) end
    order by 3 desc, 2, 1 limit 6
$$;

revoke execute on function slack.readers(), slack.knows_everybody() from public;
grant execute on function slack.readers(), slack.knows_everybody() to rookery_slack, rookery_ingest;
