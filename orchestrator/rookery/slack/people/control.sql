-- name: is_admin
select exists (select from agent.slack_admin where team = $1 and user_id = $2) as is_admin;

-- name: add_admin
insert into agent.slack_admin (team, user_id, added_by) values ($1, $2, $3)
on conflict (team, user_id) do nothing returning user_id;

-- name: remove_admin
delete from agent.slack_admin where team = $1 and user_id = $2 returning user_id;

-- name: list_admins
select user_id, added_by, added_at from agent.slack_admin where team = $1 order by added_at, user_id;

-- name: is_ignored
select exists (select from agent.slack_ignored where team = $1 and user_id = $2) as is_ignored;

-- name: add_ignored
insert into agent.slack_ignored (team, user_id, added_by) values ($1, $2, $3)
on conflict (team, user_id) do nothing returning user_id;

-- name: remove_ignored
delete from agent.slack_ignored where team = $1 and user_id = $2 returning user_id;

-- name: list_ignored
select user_id, added_by, added_at from agent.slack_ignored where team = $1 order by added_at, user_id;

-- name: audit
-- every command, allowed or not
insert into agent.slack_audit (team, actor, channel, command, allowed, outcome) values ($1, $2, $3, $4, $5, $6);

-- name: list_audit
select at, actor, command, allowed, outcome from agent.slack_audit where team = $1 order by id desc limit $2;
