-- name: record_questions
-- records questions before their events are acknowledged; a second delivery changes nothing
insert into agent.slack_question (team, channel, ts, thread_ts, asker)
select $1, q.channel, q.ts, q.thread_ts, q.asker
from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as q (channel, ts, thread_ts, asker)
order by q.channel, q.ts -- one order for all, so that two batches never wait for each other
on conflict (team, channel, ts) do nothing;

-- name: open_question
-- opens a question for an attempt and returns its stored state
insert into agent.slack_question as q (team, channel, ts, thread_ts, asker, asker_kind, state, trace_id)
values ($1, $2, $3, $4, $5, $6, 'answering', $7)
on conflict (team, channel, ts) do update
    set state = case when q.state in ('waiting', 'answering') then 'answering' else q.state end,
        asker_kind = excluded.asker_kind,
        trace_id = coalesce(q.trace_id, excluded.trace_id)
returning state, trace_id, reply_ts, answered_text, edited_text, deleted;

-- name: read_change
-- whether the author edited or deleted a question that is waiting or being answered
select state, edited_text, deleted from agent.slack_question where team = $1 and channel = $2 and ts = $3;

-- name: mark_edited
-- the author edited the question
update agent.slack_question set edited_text = $4 where team = $1 and channel = $2 and ts = $3 returning state;

-- name: mark_deleted
-- the author deleted the question
update agent.slack_question set deleted = true where team = $1 and channel = $2 and ts = $3 returning state;

-- name: record_reply
-- which message begins the answer
update agent.slack_question set reply_ts = $4 where team = $1 and channel = $2 and ts = $3;

-- name: reopen_question
-- opens an answered question again because its author edited it
update agent.slack_question set state = 'answering', finished_at = null
where team = $1 and channel = $2 and ts = $3 and state in ('answered', 'failed')
returning reply_ts;

-- name: close_question
-- records the final state of a question
update agent.slack_question
set state = $4, finished_at = clock_timestamp(), answered_text = coalesce($5, answered_text)
where team = $1 and channel = $2 and ts = $3;

-- name: find_replies
-- which of these messages begin the answer to another question
select reply_ts from agent.slack_question
where team = $1 and channel = $2 and reply_ts = any ($3::text[]) and ts <> $4;

-- name: find_participation
-- whether the bot was asked in this thread before
select exists (
    select from agent.slack_question
    where team = $1 and channel = $2 and thread_ts = $3 and state in ('waiting', 'answering', 'answered')
) as takes_part;

-- name: count_recent
-- questions of a person and of a channel in the window, and the age of the oldest, without the question itself
select
    count(*) filter (where asker = $2) as by_asker,
    count(*) filter (where channel = $3) as in_channel,
    extract(epoch from clock_timestamp() - min(asked_at) filter (where asker = $2))::double precision as asker_age_s,
    extract(epoch from clock_timestamp() - min(asked_at) filter (where channel = $3))::double precision as channel_age_s
from agent.slack_question
where team = $1 and (asker = $2 or channel = $3) and asked_at > clock_timestamp() - make_interval(secs => $5)
    and state not in ('refused', 'ignored', 'cancelled') and not (channel = $3 and ts = $4);

-- name: list_traces
-- the latest trace ids of one asker in one thread, newest first
select trace_id, ts, state from agent.slack_question
where team = $1 and channel = $2 and thread_ts = $3 and asker = $4 and trace_id is not null
order by ts desc limit $5;

-- name: list_states
-- the states of those messages that are stored as questions
select ts, state from agent.slack_question where team = $1 and channel = $2 and ts = any ($3::text[]);
