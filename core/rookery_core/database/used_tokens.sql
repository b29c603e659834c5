-- name: use_token
-- true for the first use of a token, in any process
select rookery.use_token($1, $2, $3);
