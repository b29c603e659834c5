-- name: holdings
-- Slack messages that search can find, the day of the newest, and the models of their vectors
select 'Slack messages' as name,
    coalesce((select sum(messages) from slack.holdings where team = $1), 0)::bigint as amount,
    (select max(last_ts) from slack.holdings where team = $1) as latest,
    (select count(*) from slack.message_index where team = $1 and model is null) as without_vector,
    coalesce((select array_agg(distinct model) from slack.message_index where team = $1 and model is not null), '{}') as models;
