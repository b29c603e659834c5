-- requires-program: 0.1.0
-- Times that foreign clocks name: what an earlier program stored although it lies more than a day in the future is
-- moved aside or loses its authority, and no such row can be stored again.

-- Messages are moved to the raw events, where the operator sees them and a replay takes them when their time has come.
insert into slack.raw_events (team, type, channel, ts, outcome, problem, payload)
select m.team, 'message', m.channel, m.ts, 'failed', 'dated more than one day in the future',
    coalesce(m.content, '{}') || jsonb_strip_nulls(jsonb_build_object(
        'type', 'message', 'channel', m.channel, 'user', m.author, 'subtype', m.subtype, 'text', m.text,
        'ts', extract(epoch from m.ts)::numeric(20, 6)::text,
        'thread_ts', extract(epoch from m.thread_ts)::numeric(20, 6)::text))
from slack.messages as m where m.ts > now() + interval '1 day' and m.deleted_at is null;
delete from slack.messages where ts > now() + interval '1 day';
delete from slack.message_index where ts > now() + interval '1 day';
delete from slack.replies where ts > now() + interval '1 day' or root_ts > now() + interval '1 day';
delete from slack.message_history where ts > now() + interval '1 day' or edit_ts > now() + interval '1 day';
delete from slack.reactions where ts > now() + interval '1 day' or at > now() + interval '1 day';
update slack.messages set reactions_as_of = '-infinity'
where reactions_as_of > now() + interval '1 day' and reactions_as_of < 'infinity';
update slack.messages set edit_ts = null where edit_ts > now() + interval '1 day';
update slack.messages set seen_ts = null where seen_ts > now() + interval '1 day';

-- What is known of channels and people stays, and gives way to the next observation.
update slack.memberships set at = '-infinity' where at > now() + interval '1 day';
update slack.channels set members_as_of = '-infinity' where members_as_of > now() + interval '1 day';
update slack.channels set name_at = '-infinity' where name_at > now() + interval '1 day';
update slack.channels set kind_at = '-infinity' where kind_at > now() + interval '1 day';
update slack.channels set topic_at = '-infinity' where topic_at > now() + interval '1 day';
update slack.channels set purpose_at = '-infinity' where purpose_at > now() + interval '1 day';
update slack.channels set archived_at = '-infinity' where archived_at > now() + interval '1 day';
update slack.channels set shared_at = '-infinity' where shared_at > now() + interval '1 day';
update slack.channels set created_at = null where created_at > now() + interval '1 day';
update slack.users set updated = '1970-01-01+00' where updated > now() + interval '1 day';
update slack.users set seen_at = '1970-01-01+00' where seen_at > now() + interval '1 day';
update slack.user_groups set updated = '1970-01-01+00' where updated > now() + interval '1 day';
update slack.user_groups set members_at = '-infinity' where members_at > now() + interval '1 day';
update slack.workspaces set seen_at = '1970-01-01+00' where seen_at > now() + interval '1 day';
update slack.channel_aliases set at = '1970-01-01+00' where at > now() + interval '1 day';

-- Days that were read as of the future are read again when they come again; nothing is known to be whole then.
delete from slack.imported_days where as_of > now() + interval '1 day';
delete from slack.coverage where from_ts > now() + interval '1 day';
update slack.coverage as v set to_ts = greatest(v.from_ts, coalesce(
    (select max(m.ts) from slack.messages as m where m.team = v.team and m.channel = v.channel), v.from_ts))
where v.to_ts > now() + interval '1 day';

-- A table that has its old rows in columns may refuse a constraint; the program checks in any case.
do $$
declare
    checked record;
begin
    for checked in
        select * from (values
            ('messages', 'ts'), ('message_index', 'ts'), ('replies', 'ts'), ('message_history', 'ts'),
            ('message_history', 'edit_ts'), ('reactions', 'ts'), ('reactions', 'at'), ('memberships', 'at'),
            ('channels', 'members_as_of'), ('coverage', 'to_ts'), ('imported_days', 'as_of'), ('users', 'updated'),
            ('user_groups', 'updated')
        ) as wanted (name, time)
    loop
        begin
            execute format('alter table slack.%I add constraint %I check (%I < now() + interval ''2 days'') not valid',
                checked.name, checked.time || '_is_plausible', checked.time);
        exception when feature_not_supported or object_not_in_prerequisite_state then
            raise notice 'slack.% takes no constraint on %', checked.name, checked.time;
        end;
    end loop;
end
$$;

-- As before; a reach beyond the oldest message is no time that PostgreSQL could refuse.
create or replace function slack.search_words(
    candidates tsquery, phrases tsquery, terms tsquery[], weights real[], average_length real,
    narrow slack.narrowing, likely double precision, newest_on boolean, pool integer,
    row_limit integer
) returns setof slack.scored language plpgsql stable security definer
set search_path = pg_catalog, slack set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    of_team text := slack.setting('team');
    searched text[] := slack.searched_channels(narrow);
    oldest timestamptz := greatest((narrow).from_ts, (select min(i.ts) from slack.message_index as i where i.team = of_team));
    newest timestamptz := least((narrow).to_ts, (select max(i.ts) from slack.message_index as i where i.team = of_team));
    reach interval := newest - oldest;
    found slack.scored[];
begin
    perform set_config('enable_bitmapscan', case when newest_on then 'off' else 'on' end, true);
    if likely > 1.5 * pool and not newest_on then
        reach := reach * (1.5 * pool / likely);
    end if;
    loop
        narrow.from_ts := case when reach < newest - oldest then newest - reach else oldest end;
        found := array(
            select row(c.channel, c.ts, c.thread_ts, search.bm25(c.words, terms, weights, average_length))::slack.scored
            from (
                select i.channel, i.ts, i.thread_ts, i.words from slack.message_index as i
                where i.team = of_team and i.channel = any (searched) and slack.fits(i, narrow)
                  and i.words @@ candidates and (phrases is null or i.words @@ phrases)
                order by i.ts desc, i.channel
                limit pool
            ) as c);
        exit when cardinality(found) >= pool or narrow.from_ts <= oldest or oldest is null;
        reach := reach * 4;
    end loop;
    perform set_config('enable_bitmapscan', 'on', true);
    return query select f.* from unnest(found) as f order by f.score desc, f.ts desc, f.channel limit row_limit;
end
$$;
