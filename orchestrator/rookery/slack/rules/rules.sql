-- name: create
insert into agent.slack_rule (team, owner, name, channel, criteria, action, examples)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (team, owner, name) do nothing
returning id;

-- name: count_of
select count(*) from agent.slack_rule where team = $1 and owner = $2;

-- name: list_of
-- the rules of one person
select id, owner, name, channel, criteria, action, examples, enabled from agent.slack_rule
where team = $1 and owner = $2 order by id;

-- name: delete
-- deletes a rule of its owner
delete from agent.slack_rule where team = $1 and owner = $2 and id = $3 returning name;

-- name: list_all
-- for admins
select id, owner, name, channel, criteria, action, examples, enabled from agent.slack_rule where team = $1 order by id;

-- name: delete_any
-- for admins
delete from agent.slack_rule where team = $1 and id = $2 returning name;

-- name: for_channel
-- rules of a channel that have not reached their hourly limit
select r.id, r.owner, r.name, r.channel, r.criteria, r.action, r.examples, r.enabled
from agent.slack_rule r
where r.team = $1 and r.channel = $2 and r.enabled
    and (
        select count(*) from agent.slack_rule_match m
        where m.team = r.team and m.rule_id = r.id and m.at > clock_timestamp() - interval '1 hour'
    ) < $3
order by r.id
limit 50;

-- name: by_id
select id, owner, name, channel, criteria, action, examples, enabled from agent.slack_rule
where team = $1 and id = $2 and enabled;

-- name: one_match_at_a_time
-- serializes matches of one rule, so that each transaction counts the matches before it
select id from agent.slack_rule where team = $1 and id = $2 for no key update;

-- name: match
-- records a match: once per message, within the hourly limit
insert into agent.slack_rule_match (team, rule_id, channel, ts)
select $1, $2, $3, $4
where (
    select count(*) from agent.slack_rule_match m
    where m.team = $1 and m.rule_id = $2 and m.at > clock_timestamp() - interval '1 hour'
) < $5
on conflict (team, rule_id, channel, ts) do nothing
returning rule_id;
