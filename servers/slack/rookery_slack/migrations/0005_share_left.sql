-- requires-program: 0.1.0
-- Of the newest thousand messages, the share that a narrowing leaves: a search in one channel that looks for words as if
-- the channel had all that is said looks in too short a stretch of time first, and then again in longer ones.
create function slack.share_left(narrow slack.narrowing) returns double precision language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
begin
    narrow.from_ts := (
        select i.ts from slack.message_index as i
        where i.team = slack.setting('team') and i.ts <= coalesce((narrow).to_ts, 'infinity')
        order by i.ts desc offset 999 limit 1);
    return slack.count_narrowed(narrow, 1000) / 1000.0;
end
$$;
revoke execute on function slack.share_left(slack.narrowing) from public;
grant execute on function slack.share_left(slack.narrowing) to rookery_slack, rookery_ingest;

-- Replies are found through slack.replies; nothing has asked this index since.
drop index slack.messages_by_thread;
