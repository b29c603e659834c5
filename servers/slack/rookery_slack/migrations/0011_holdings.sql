-- requires-program: 0.1.0
-- How much is held of each channel, counted in the key of slack.messages alone: to look at each row whether it was deleted
-- took seconds of a million. The first and the last may be tombstones.
create index messages_deleted on slack.messages (team, channel) where deleted_at is not null;

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

create or replace function slack.channel_coverage(in_channels text[])
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
