-- name: has_cache
-- whether the GitHub server's schema is there, and its door for this role
select to_regprocedure('github.make_stale(text, text, text, integer)') is not null;

-- name: make_stale
-- have what is cached about a repository, or one number in it, asked for again
select github.make_stale($1, $2, $3, $4);
