-- requires-program: 0.1.0
-- Tokens that are accepted once, in whichever process they arrive. A row outlives its token by an hour, so that
-- clocks that differ do not make a used token new again.
create table rookery.used_token (
    team text collate "C" not null,
    purpose text collate "C" not null,
    token text collate "C" not null check (octet_length(token) <= 200),
    expires_at timestamptz not null,
    primary key (team, purpose, token)
);
create index used_token_by_expiry on rookery.used_token (expires_at);

-- Whether this is the first use, for the team of this transaction. Callers have no grant on the table.
create function rookery.use_token(token_purpose text, token_text text, token_expires_at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from rookery.used_token where expires_at < now() - interval '1 hour';
    insert into rookery.used_token (team, purpose, token, expires_at)
    values (current_setting('rookery.team'), token_purpose, token_text, token_expires_at)
    on conflict do nothing;
    return found;
end
$$;
revoke execute on function rookery.use_token(text, text, timestamptz) from public;
grant execute on function rookery.use_token(text, text, timestamptz)
    to rookery_slack, rookery_github, rookery_memory, rookery_agent;
