-- name: keep
-- a call that waits for its asker's yes
insert into agent.slack_confirmation (team, id, channel, question_ts, thread_ts, asker, action)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (team, id) do nothing;

-- name: decide
-- the asker's answer; the first one stands
update agent.slack_confirmation set decision = $4, decided_at = clock_timestamp()
where team = $1 and id = $2 and asker = $3 and decision is null
    and asked_at > clock_timestamp() - interval '1 day'
returning channel, question_ts, thread_ts;

-- name: look
-- a kept call and what was decided about it
select channel, question_ts, thread_ts, asker, action, decision,
    asked_at > clock_timestamp() - interval '1 day' as fresh
from agent.slack_confirmation where team = $1 and id = $2;
