-- Forgetting: what is past its time, what a person or a channel asked to be forgotten. Nothing of it comes back.

-- name: remember_erased_user
insert into slack.erased_users (team, id) values ($1, $2) on conflict do nothing;

-- name: remember_erased_channel
insert into slack.erased_channels (team, id) values ($1, $2) on conflict do nothing;

-- name: forget_messages
-- messages of a person, of a channel, or of a channel before a moment, with all that hangs on them
with gone as (
    delete from slack.messages as m
    where m.team = $1 and ($2::text is null or m.author = $2) and ($3::text is null or m.channel = $3)
      and ($4::timestamptz is null or m.ts < $4)
    returning channel, ts, thread_ts
), unreplied as (
    delete from slack.replies as r using gone
    where r.team = $1 and r.channel = gone.channel and r.root_ts = gone.thread_ts and r.ts = gone.ts
), unindexed as (
    delete from slack.message_index as i using gone where i.team = $1 and i.channel = gone.channel and i.ts = gone.ts
), forgotten as (
    delete from slack.message_history as h using gone where h.team = $1 and h.channel = gone.channel and h.ts = gone.ts
), unreacted as (
    delete from slack.reactions as r using gone where r.team = $1 and r.channel = gone.channel and r.ts = gone.ts
), unheard as (
    update slack.raw_events as e set payload = null, outcome = 'erased' from gone
    where e.team = $1 and e.channel = gone.channel and e.ts = gone.ts and e.payload is not null
)
select count(*) from gone;

-- name: forget_reactions_of
delete from slack.reactions where team = $1 and reactor = $2;

-- name: forget_raw_of
update slack.raw_events set payload = null, outcome = 'erased'
where team = $1 and payload is not null and (payload -> 'event' ->> 'user' = $2 or payload -> 'event' -> 'message' ->> 'user' = $2);

-- name: forget_user
update slack.users set name = null, real_name = null, display_name = null, title = null, tz = null
where team = $1 and id = $2;

-- name: forget_channel
with members as (delete from slack.memberships where team = $1 and channel = $2),
covered as (delete from slack.coverage where team = $1 and channel = $2),
heard as (update slack.raw_events set payload = null, outcome = 'erased' where team = $1 and channel = $2)
delete from slack.channels where team = $1 and id = $2;

-- name: clip_coverage
delete from slack.coverage where team = $1 and channel = $2 and to_ts < $3;

-- name: expired
-- channels with a limit and what is older than it
select c.id, now() - make_interval(days => coalesce(own.keep_days, every.keep_days)) as oldest
from slack.channels as c
left join slack.retention as own on own.team = c.team and own.channel = c.id
left join slack.retention as every on every.team = c.team and every.channel = '*'
where c.team = $1 and coalesce(own.keep_days, every.keep_days) is not null;
