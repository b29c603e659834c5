-- A channel's id has changed: what is kept under the old one is recorded again under the new one and removed here.

-- name: held_channels
-- of these ids, those that something is kept under although they have moved
select c.*, slack.present_id($1, c.id) as new_id from slack.channels as c
where c.team = $1 and c.id = any ($2::text[]) and slack.present_id($1, c.id) <> c.id
order by c.id;

-- name: held_members
select member, present, at from slack.memberships where team = $1 and channel = $2 order by member;

-- name: held_messages
select ts, thread_ts, author, subtype, text, content, coalesce(edit_ts, ts) as edit_ts,
    coalesce(seen_ts, ts) as seen_ts, source, deleted_at, reactions_as_of
from slack.messages where team = $1 and channel = $2 order by ts limit $3;

-- name: held_reactions
select ts, emoji, reactor, present, at from slack.reactions where team = $1 and channel = $2
order by ts, emoji, reactor limit $3;

-- name: forget_messages
with gone as (
    delete from slack.messages where team = $1 and channel = $2 and ts = any ($3::timestamptz[])
    returning channel, ts, thread_ts
)
delete from slack.replies as r using gone
where r.team = $1 and r.channel = gone.channel and r.root_ts = gone.thread_ts and r.ts = gone.ts;

-- name: forget_indexed
delete from slack.message_index where team = $1 and channel = $2 and ts = any ($3::timestamptz[]);

-- name: forget_reactions
delete from slack.reactions as r
using unnest($3::timestamptz[], $4::text[], $5::text[]) as gone (ts, emoji, reactor)
where r.team = $1 and r.channel = $2 and r.ts = gone.ts and r.emoji = gone.emoji and r.reactor = gone.reactor;

-- name: move_history
with gone as (
    delete from slack.message_history where team = $1 and channel = $2 returning *
)
insert into slack.message_history as h (team, channel, ts, edit_ts, seen_ts, source, digest, text)
select $1, $3, gone.ts, gone.edit_ts, gone.seen_ts, gone.source, gone.digest, gone.text
from gone join slack.messages as m on m.team = $1 and m.channel = $3 and m.ts = gone.ts
where m.deleted_at is null and gone.edit_ts < coalesce(m.edit_ts, m.ts)
order by gone.ts, gone.edit_ts
on conflict (team, channel, ts, edit_ts) do update set
    seen_ts = excluded.seen_ts, source = excluded.source, digest = excluded.digest, text = excluded.text
where (excluded.seen_ts, excluded.source, excluded.digest) > (h.seen_ts, h.source, h.digest);

-- name: move_raw_events
update slack.raw_events set channel = $3 where team = $1 and channel = $2;

-- name: held_coverage
select from_ts, to_ts from slack.coverage where team = $1 and channel = $2 order by from_ts;

-- name: forget_channel
with members as (delete from slack.memberships where team = $1 and channel = $2),
covered as (delete from slack.coverage where team = $1 and channel = $2)
delete from slack.channels where team = $1 and id = $2;
