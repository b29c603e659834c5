-- name: act_for_team
-- for this transaction: the role that reads, and the team whose rows it may see
select set_config('role', $1, true), set_config('rookery.team', $2, true);
