-- What was read, up to when each channel is known, and the limits that copies of the program share.

-- name: known_days
-- days of an export that were read whole before, at the same or a later moment
select channel, day, digest from slack.imported_days where team = $1 and as_of >= $2;

-- name: remember_day
insert into slack.imported_days as d (team, channel, day, digest, as_of, messages)
values ($1, $2, $3, $4, $5, $6)
on conflict (team, channel, day, digest) do update set as_of = greatest(d.as_of, excluded.as_of), imported_at = now();

-- name: forget_days
delete from slack.imported_days where team = $1 and ($2::text is null or channel = $2);

-- name: lock_coverage
-- one at a time until the transaction ends: stretches that two join at once would overlap, or be the same row
select pg_advisory_xact_lock(1936483436, hashtext($1));

-- name: cover
-- a stretch of each channel is known whole: it joins the stretches that it meets
with wanted as (
    select channel, from_ts, to_ts
    from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as given (channel, from_ts, to_ts)
), met as (
    delete from slack.coverage as v using wanted as w
    where v.team = $1 and v.channel = w.channel and v.from_ts <= w.to_ts and v.to_ts >= w.from_ts
    returning v.channel, v.from_ts, v.to_ts
)
insert into slack.coverage (team, channel, from_ts, to_ts)
select $1, w.channel, least(min(met.from_ts), w.from_ts), greatest(max(met.to_ts), w.to_ts)
from wanted as w left join met on met.channel = w.channel
group by w.channel, w.from_ts, w.to_ts;

-- name: coverage_of
select from_ts, to_ts from slack.coverage where team = $1 and channel = $2 order by from_ts;

-- name: coverage
select c.id as channel, c.name, c.kind, c.is_archived,
    (select jsonb_agg(jsonb_build_array(v.from_ts, v.to_ts) order by v.from_ts) from slack.coverage as v
        where v.team = c.team and v.channel = c.id) as covered,
    coalesce(held.messages, 0) as messages,
    (select count(*) from slack.message_index as i where i.team = c.team and i.channel = c.id and i.model is null)
        as without_vector
from slack.channels as c left join slack.holdings as held on held.team = c.team and held.channel = c.id
where c.team = $1 order by c.name, c.id;

-- name: set_mark
insert into slack.marks (team, name, at, detail) values ($1, $2, $3, $4)
on conflict (team, name) do update set at = excluded.at, detail = excluded.detail;

-- name: mark
select at, detail from slack.marks where team = $1 and name = $2;

-- name: marks
select name, at, detail from slack.marks where team = $1 order by name;

-- name: take_turn
-- the next moment at which a method may be called, given its spacing in seconds; returns how long to wait
insert into slack.api_limits as l (team, method, next_at) values ($1, $2, now() + make_interval(secs => $3))
on conflict (team, method) do update set next_at = greatest(l.next_at, now()) + make_interval(secs => $3)
returning greatest(0, extract(epoch from next_at - now()) - $3)::double precision as wait_s;

-- name: back_off
-- Slack said to wait: nobody calls the method before
insert into slack.api_limits as l (team, method, next_at) values ($1, $2, now() + make_interval(secs => $3))
on conflict (team, method) do update set next_at = greatest(l.next_at, excluded.next_at);

-- name: keep_raw
-- by the channel's present id; of a message that is deleted by now, only that there was an event
with incoming as materialized (
    select raw.*, case when a.old_id is null then raw.channel else slack.present_id($1, raw.channel) end as kept_in
    from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
        as raw (event_id, type, channel, ts, outcome, problem, payload)
    left join slack.channel_aliases as a on a.team = $1 and a.old_id = raw.channel
)
insert into slack.raw_events (team, event_id, type, channel, ts, outcome, problem, payload)
select $1, raw.event_id, raw.type, raw.kept_in, raw.ts,
    case when m.deleted_at is null then raw.outcome else 'erased' end, raw.problem,
    case when m.deleted_at is null then raw.payload::jsonb end
from incoming as raw
left join slack.messages as m on m.team = $1 and m.channel = raw.kept_in and m.ts = raw.ts;

-- name: raw_to_replay
select received_at, id, payload from slack.raw_events
where team = $1 and outcome in ('not_understood', 'failed') and id > $2 and payload is not null
order by id limit $3;

-- name: raw_replayed
update slack.raw_events set outcome = 'applied', problem = null
where team = $1 and id = any ($2::bigint[]) and outcome <> 'erased';

-- name: count_raw
select outcome, type, count(*) as events, max(received_at) as last from slack.raw_events where team = $1
group by outcome, type order by events desc;

-- name: expire_raw
delete from slack.raw_events where team = $1 and received_at < now() - make_interval(days => $2);

-- name: counts
select
    (select count(*) from slack.messages where team = $1 and deleted_at is null) as messages,
    (select count(*) from slack.message_index where team = $1) as indexed,
    (select count(*) from slack.message_index where team = $1 and model is null) as without_vector,
    (select count(*) from slack.channels where team = $1) as channels,
    (select count(*) from slack.channels where team = $1 and kind is null) as channels_of_unknown_kind,
    (select count(*) from slack.users where team = $1) as users;

-- name: set_retention
insert into slack.retention (team, channel, keep_days) values ($1, $2, $3)
on conflict (team, channel) do update set keep_days = excluded.keep_days;

-- name: clear_retention
delete from slack.retention where team = $1 and channel = $2;

-- name: retention_rules
select channel, keep_days from slack.retention where team = $1 order by channel;

-- name: counted_and_held
-- public messages when their words were counted last (null: never), and now
select (select documents from search.collection where team = $1 and name = $2) as counted,
    (select count(*) from slack.message_index where team = $1 and public) as held;

-- name: add_discard_rule
insert into slack.discard_rules (team, rule, note) values ($1, $2::text::jsonpath, $3) returning id;

-- name: discard_rules
select id, rule::text as rule, note from slack.discard_rules where team = $1 order by id;

-- name: remove_discard_rule
delete from slack.discard_rules where team = $1 and id = $2 returning id;

-- name: commit_lazily
-- for work that remembers in the same transaction that it was done: what a crash of the server undoes is done again
select set_config('synchronous_commit', 'off', true);

-- name: refresh_planner
select slack.refresh_planner();

-- name: compact_chunks
select slack.compact_chunks(interval '45 days');

-- name: knows_workspace_url
select exists (select from slack.workspaces where team = $1 and url is not null);
