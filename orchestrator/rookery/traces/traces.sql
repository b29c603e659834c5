-- name: begin_run
-- a run starts, or starts again after a crash; answers with its attempt
insert into agent.runs (team, trace_id, asker, asker_kind, channel, question)
values ($1, $2, $3, $4, $5, $6)
on conflict (team, trace_id) do update
set attempt = agent.runs.attempt + 1, problem = null
returning attempt;

-- name: finish_run
-- what came of a run; tokens and cost of earlier attempts stay counted
update agent.runs
set
    finished_at = now(),
    answer = $3,
    citations = $4,
    model = $5,
    extractive = $6,
    stop_reason = $7,
    input_tokens = input_tokens + $8,
    output_tokens = output_tokens + $9,
    cache_read_tokens = cache_read_tokens + $10,
    cache_write_tokens = cache_write_tokens + $11,
    model_requests = model_requests + $12,
    cost_usd = coalesce(cost_usd, 0) + $13,
    total_ms = $14,
    model_ms = $15,
    tools_ms = $16,
    removed_links = $17
where team = $1 and trace_id = $2;

-- name: fail_run
-- a run ended without an answer; what it had used counts all the same
update agent.runs
set
    finished_at = now(),
    problem = $3,
    input_tokens = input_tokens + $4,
    output_tokens = output_tokens + $5,
    cache_read_tokens = cache_read_tokens + $6,
    cache_write_tokens = cache_write_tokens + $7,
    model_requests = model_requests + $8,
    cost_usd = coalesce(cost_usd, 0) + $9
where team = $1 and trace_id = $2;

-- name: add_model_call
insert into agent.model_calls
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: add_tool_call
insert into agent.tool_calls
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: spent
-- dollars since a time: of the asker, and of the whole team
select
    coalesce(sum(cost_usd) filter (where asker is not distinct from $2), 0) as asker_usd,
    coalesce(sum(cost_usd), 0) as team_usd
from agent.runs
where team = $1 and started_at >= $3;

-- name: find_run
select * from agent.runs where team = $1 and trace_id = $2;

-- name: latest_runs
select trace_id, started_at, asker, question, model, stop_reason, problem, total_ms, cost_usd
from agent.runs
where team = $1
order by started_at desc
limit $2;

-- name: runs_by_prefix
-- the runs whose trace id begins with these characters
select trace_id from agent.runs where team = $1 and starts_with(trace_id, $2) order by started_at desc limit 2;

-- name: model_calls_of
select * from agent.model_calls where team = $1 and trace_id = $2 order by attempt, number;

-- name: tool_calls_of
select * from agent.tool_calls where team = $1 and trace_id = $2 order by attempt, number;

-- name: actions_of
select * from agent.pending_actions where team = $1 and trace_id = $2 order by created_at;

-- name: add_action
-- a call waits for its asker; noted once
insert into agent.pending_actions (team, id, trace_id, asker, server, tool, arguments, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (team, id) do nothing;

-- name: take_action
-- the asker, and nobody else, settles a waiting call; a second press finds nothing
update agent.pending_actions
set state = $4, settled_at = now()
where team = $1 and id = $2 and state = 'waiting' and asker is not distinct from $3 and expires_at > now()
returning id, trace_id, asker, server, tool, arguments, reason;

-- name: interrupted_action
-- a call that its asker confirmed and whose maker never told what came of it; it is settled now
update agent.pending_actions
set state = 'failed', result = 'interrupted', settled_at = now()
where team = $1 and id = $2 and state = 'confirmed' and asker is not distinct from $3
returning id, trace_id, asker, server, tool, arguments, reason;

-- name: settle_action
update agent.pending_actions
set state = $3, result = $4, settled_at = now()
where team = $1 and id = $2 and state = 'confirmed';

-- name: pins
select server, tool, digest from agent.tool_pins where team = $1;

-- name: add_pin
insert into agent.tool_pins (team, server, tool, digest)
values ($1, $2, $3, $4)
on conflict (team, server, tool) do nothing;

-- name: replace_pin
insert into agent.tool_pins (team, server, tool, digest)
values ($1, $2, $3, $4)
on conflict (team, server, tool) do update
set digest = excluded.digest, pinned_at = now();
