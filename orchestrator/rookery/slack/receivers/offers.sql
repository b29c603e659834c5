-- name: offer
-- an offer is made once
insert into agent.slack_offer (team, channel, ts, asker) values ($1, $2, $3, $4)
on conflict (team, channel, ts) do nothing
returning ts;

-- name: answer
-- the asker's decision; the first one stands
update agent.slack_offer set answer = $5
where team = $1 and channel = $2 and ts = $3 and asker = $4 and answer is null
returning ts;
