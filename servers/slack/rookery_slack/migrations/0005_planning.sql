-- requires-program: 0.1.0
-- Whoever ingests lets the planner look at what it has just written: an import fills empty tables faster than
-- autovacuum comes round, and a planner that takes them for empty compares each row of a batch with every row there is.
create function slack.refresh_planner() returns void language plpgsql security definer
set search_path = pg_catalog, slack as $$
begin
    analyze slack.messages, slack.message_index, slack.reactions, slack.message_history;
end
$$;
revoke execute on function slack.refresh_planner() from public;
grant execute on function slack.refresh_planner() to rookery_ingest;
