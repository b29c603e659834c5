-- requires-program: 0.1.0
-- The id under which a channel is kept now: where its moves end, or where the latest of them led if they go in a circle.
create function slack.present_id(of_team text, of_channel text) returns text language sql stable
set search_path = pg_catalog, slack as $$
    with recursive step (id, path, at, is_round) as (
        select of_channel collate "C", array[of_channel collate "C"], '-infinity'::timestamptz, false
        union all
        select a.new_id, step.path || a.new_id, a.at, a.new_id = any (step.path)
        from step join slack.channel_aliases as a on a.team = of_team and a.old_id = step.id
        where not step.is_round
    ), last as (
        select id, path, is_round from step order by cardinality(path) desc limit 1
    )
    select case when not last.is_round then last.id else (
        select step.id from step where cardinality(step.path) > array_position(last.path, last.id)
        order by step.at desc limit 1
    ) end
    from last
$$;
revoke execute on function slack.present_id(text, text) from public;
grant execute on function slack.present_id(text, text) to rookery_ingest;
