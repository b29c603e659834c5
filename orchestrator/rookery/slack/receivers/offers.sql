-- name: record_offer
-- records an offer; a message gets one
insert into agent.slack_offer (team, channel, ts, asker) values ($1, $2, $3, $4)
on conflict (team, channel, ts) do nothing
returning ts;

-- name: record_decision
-- records the decision of the asker; the first one counts
update agent.slack_offer set answer = $5
where team = $1 and channel = $2 and ts = $3 and asker = $4 and answer is null
returning ts;
