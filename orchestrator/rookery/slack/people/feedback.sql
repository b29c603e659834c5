-- name: rate
-- one vote per person and answer; the last one counts
insert into agent.slack_feedback as f (team, channel, question_ts, user_id, rating, trace_id)
values ($1, $2, $3, $4, $5, (
    select trace_id from agent.slack_question where team = $1 and channel = $2 and ts = $3
))
on conflict (team, channel, question_ts, user_id) do update
    set rating = excluded.rating, given_at = clock_timestamp();

-- name: comment
-- a comment on an answer, and a rating from 1 to 5 if given; the last ones count
insert into agent.slack_feedback as f (team, channel, question_ts, user_id, comment, stars, trace_id)
values ($1, $2, $3, $4, $5, $6, (
    select trace_id from agent.slack_question where team = $1 and channel = $2 and ts = $3
))
on conflict (team, channel, question_ts, user_id) do update
    set comment = excluded.comment, stars = coalesce(excluded.stars, f.stars), given_at = clock_timestamp();

-- name: summary
-- counts of the feedback of the last days
select
    count(*) filter (where rating = 1) as up,
    count(*) filter (where rating = -1) as down,
    count(comment) as comments,
    count(stars) as rated,
    round(avg(stars), 1)::float8 as mean_stars
from agent.slack_feedback
where team = $1 and given_at > clock_timestamp() - make_interval(days => $2);

-- name: unrated
-- a person's answers of the last day without their feedback, oldest first
select q.channel, q.thread_ts, q.reply_ts, coalesce(q.answered_text, '') as text
from agent.slack_question q
where q.team = $1 and q.asker = $2 and q.state = 'answered' and q.reply_ts is not null
    and q.asked_at > clock_timestamp() - interval '1 day'
    and not exists (
        select from agent.slack_feedback f
        where f.team = q.team and f.channel = q.channel and f.question_ts = q.ts and f.user_id = q.asker
    )
order by q.asked_at;
