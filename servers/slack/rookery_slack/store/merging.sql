-- Merging observations into the store. The caller holds the locks of the channels concerned (lock_channels), so nothing
-- below races. Every statement is commutative and idempotent: the greater time wins, ties go to the greater value.

-- name: plan_for_batches
-- A batch is looked up row by row through primary keys. A planner whose statistics lag behind an import (tables that
-- were empty a minute ago) would rather read all that there is, or keep it and compare each row with each; so it has no
-- choice in this transaction.
select set_config(name, 'off', true)
from unnest(array['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_material']) as name
union all select set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: lock_channels
-- one writer a channel, taken in one order by everybody, until the transaction ends
select pg_advisory_xact_lock(1936483435, key)
from (select distinct hashtext($1 || ' ' || id) as key from unnest($2::text[]) as wanted (id) order by 1) as ordered;

-- name: know_channels
-- a channel that something was said of exists, whatever is known of it; until its kind is known nobody sees it
insert into slack.channels (team, id) select $1, id from unnest($2::text[]) as wanted (id) order by id
on conflict (team, id) do nothing;

-- name: resolve_aliases
select old_id, slack.present_id($1, old_id) as new_id from slack.channel_aliases
where team = $1 and old_id = any ($2::text[]);

-- name: refused_channels
-- channels that were erased: nothing of theirs is stored again
select id from slack.erased_channels where team = $1 and id = any ($2::text[]);

-- name: refused_users
select id from slack.erased_users where team = $1 and id = any ($2::text[]);

-- name: retention_limits
-- the oldest moment kept, for channels that have a limit
select wanted.id, now() - make_interval(days => coalesce(own.keep_days, every.keep_days)) as oldest
from unnest($2::text[]) as wanted (id)
left join slack.retention as own on own.team = $1 and own.channel = wanted.id
left join slack.retention as every on every.team = $1 and every.channel = '*'
where coalesce(own.keep_days, every.keep_days) is not null;

-- name: discard_rules
select rule::text as rule from slack.discard_rules where team = $1 order by id;

-- name: discarded
-- positions (from 1) of the messages that a rule discards; a rule that cannot be applied to a message lets it pass
select distinct message.position::integer as position
from unnest($2::text[]) with ordinality as message (body, position)
join slack.discard_rules as d on d.team = $1
where jsonb_path_match(message.body::jsonb, d.rule, silent => true)
   or jsonb_path_exists(message.body::jsonb, d.rule, silent => true)
      and jsonb_typeof(jsonb_path_query_first(message.body::jsonb, d.rule, silent => true)) <> 'boolean';

-- name: merge_workspaces
insert into slack.workspaces as w (team, id, url, name, seen_at)
select $1, fact.id, fact.url, fact.name, fact.seen_at
from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) as fact (id, url, name, seen_at)
order by fact.id
on conflict (team, id) do update set
    url = coalesce(excluded.url, w.url), name = coalesce(excluded.name, w.name), seen_at = excluded.seen_at
where (excluded.seen_at, coalesce(excluded.url, '')) > (w.seen_at, coalesce(w.url, ''));

-- name: merge_users
insert into slack.users as u (team, id, workspace, name, real_name, display_name, title, tz, is_bot, is_guest,
    is_stranger, is_deactivated, updated, seen_at)
select $1, fact.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::boolean[], $10::boolean[], $11::boolean[], $12::boolean[], $13::timestamptz[], $14::timestamptz[])
    as fact (id, workspace, name, real_name, display_name, title, tz, is_bot, is_guest, is_stranger, is_deactivated,
        updated, seen_at)
order by fact.id
on conflict (team, id) do update set
    workspace = excluded.workspace, name = excluded.name, real_name = excluded.real_name,
    display_name = excluded.display_name, title = excluded.title, tz = excluded.tz, is_bot = excluded.is_bot,
    is_guest = excluded.is_guest, is_stranger = excluded.is_stranger, is_deactivated = excluded.is_deactivated,
    updated = excluded.updated, seen_at = excluded.seen_at
where (excluded.updated, excluded.seen_at, coalesce(excluded.real_name, ''), coalesce(excluded.display_name, ''))
    > (u.updated, u.seen_at, coalesce(u.real_name, ''), coalesce(u.display_name, ''));

-- name: merge_groups
insert into slack.user_groups as g (team, id, handle, name, members, is_deleted, updated, members_at)
select $1, fact.id, fact.handle, fact.name,
    array(select jsonb_array_elements_text(fact.members::jsonb)), fact.is_deleted, fact.updated,
    case when fact.members is null then '-infinity' else fact.updated end
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[])
    as fact (id, handle, name, members, is_deleted, updated)
order by fact.id
on conflict (team, id) do update set
    handle = case when excluded.updated >= g.updated then coalesce(excluded.handle, g.handle) else coalesce(g.handle, excluded.handle) end,
    name = case when excluded.updated >= g.updated then coalesce(excluded.name, g.name) else coalesce(g.name, excluded.name) end,
    is_deleted = case when excluded.updated >= g.updated then excluded.is_deleted else g.is_deleted end,
    members = case when excluded.members_at > g.members_at then excluded.members else g.members end,
    updated = greatest(excluded.updated, g.updated),
    members_at = greatest(excluded.members_at, g.members_at);

-- name: merge_channels
insert into slack.channels as c (team, id, workspace, name, name_at, kind, kind_at, topic, topic_at, purpose, purpose_at,
    is_archived, archived_at, is_shared, shared_at, created_at, previous_names)
select $1, fact.id, fact.workspace, fact.name, coalesce(fact.name_at, '-infinity'),
    fact.kind, coalesce(fact.kind_at, '-infinity'), fact.topic, coalesce(fact.topic_at, '-infinity'),
    fact.purpose, coalesce(fact.purpose_at, '-infinity'), coalesce(fact.archived, false),
    coalesce(fact.archived_at, '-infinity'), coalesce(fact.shared, false), coalesce(fact.shared_at, '-infinity'),
    fact.created_at, array(select jsonb_array_elements_text(fact.previous_names::jsonb) order by 1)
from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[], $8::text[],
    $9::timestamptz[], $10::text[], $11::timestamptz[], $12::boolean[], $13::timestamptz[], $14::boolean[],
    $15::timestamptz[], $16::timestamptz[], $17::text[])
    as fact (id, workspace, name, name_at, kind, kind_at, topic, topic_at, purpose, purpose_at, archived, archived_at,
        shared, shared_at, created_at, previous_names)
order by fact.id
on conflict (team, id) do update set
    workspace = greatest(excluded.workspace, c.workspace),
    name = case when (excluded.name_at, coalesce(excluded.name, '')) > (c.name_at, coalesce(c.name, ''))
        then excluded.name else c.name end,
    name_at = greatest(excluded.name_at, c.name_at),
    kind = case when (excluded.kind_at, coalesce(excluded.kind, '')) > (c.kind_at, coalesce(c.kind, ''))
        then excluded.kind else c.kind end,
    kind_at = greatest(excluded.kind_at, c.kind_at),
    topic = case when (excluded.topic_at, coalesce(excluded.topic, '')) > (c.topic_at, coalesce(c.topic, ''))
        then excluded.topic else c.topic end,
    topic_at = greatest(excluded.topic_at, c.topic_at),
    purpose = case when (excluded.purpose_at, coalesce(excluded.purpose, '')) > (c.purpose_at, coalesce(c.purpose, ''))
        then excluded.purpose else c.purpose end,
    purpose_at = greatest(excluded.purpose_at, c.purpose_at),
    is_archived = case when (excluded.archived_at, excluded.is_archived) > (c.archived_at, c.is_archived)
        then excluded.is_archived else c.is_archived end,
    archived_at = greatest(excluded.archived_at, c.archived_at),
    is_shared = case when (excluded.shared_at, excluded.is_shared) > (c.shared_at, c.is_shared)
        then excluded.is_shared else c.is_shared end,
    shared_at = greatest(excluded.shared_at, c.shared_at),
    created_at = least(excluded.created_at, c.created_at),
    previous_names = array(
        select distinct former from unnest(c.previous_names || excluded.previous_names || c.name || excluded.name) as former
        where former <> coalesce(case when (excluded.name_at, coalesce(excluded.name, '')) > (c.name_at, coalesce(c.name, ''))
            then excluded.name else c.name end, '')
        order by former);

-- name: list_members
-- a full list of members was seen: whoever is not on it, or joined again later, has left
with listed as (
    insert into slack.channels as c (team, id, members_as_of)
    select $1, fact.channel, fact.at from unnest($2::text[], $3::timestamptz[]) as fact (channel, at)
    order by fact.channel
    on conflict (team, id) do update set members_as_of = excluded.members_as_of
    where excluded.members_as_of > c.members_as_of
    returning id, members_as_of
)
delete from slack.memberships as m using listed
where m.team = $1 and m.channel = listed.id and m.at < listed.members_as_of;

-- name: merge_members
insert into slack.memberships as m (team, channel, member, present, at)
select $1, fact.channel, fact.member, fact.present, fact.at
from unnest($2::text[], $3::text[], $4::boolean[], $5::timestamptz[]) as fact (channel, member, present, at)
left join slack.channels as c on c.team = $1 and c.id = fact.channel
where fact.at >= coalesce(c.members_as_of, '-infinity')
order by fact.channel, fact.member
on conflict (team, channel, member) do update set present = excluded.present, at = excluded.at
where (excluded.at, not excluded.present) > (m.at, not m.present);

-- name: merge_messages
-- What is here and what comes in are versions of the same message: the greater is kept, the lesser goes into its
-- history if it was edited since, and a deletion erases both. Returns the messages whose words have changed.
with incoming as (
    select * from unnest($2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::timestamptz[], $10::timestamptz[], $11::smallint[], $12::timestamptz[], $13::timestamptz[],
        $14::text[], $15::boolean[], $16::boolean[])
        as fact (channel, ts, thread_ts, author, subtype, text, content, edit_ts, seen_ts, source, deleted_at,
            reactions_as_of, words, has_file, has_link)
), compared as materialized (
    select i.*, m.ts is not null as known,
        m.thread_ts as old_thread_ts, m.text as old_text, old.edit_ts as old_edit_ts, old.seen_ts as old_seen_ts,
        m.source as old_source, m.deleted_at as old_deleted_at,
        m.reactions_as_of as old_reactions_as_of, m.author as old_author, m.subtype as old_subtype,
        m.content as old_content,
        (i.deleted_at is not null or m.deleted_at is not null) as gone,
        i.source is not null and (m.source is null
            or (i.edit_ts, i.seen_ts, i.source) > (old.edit_ts, old.seen_ts, m.source)
            or ((i.edit_ts, i.seen_ts, i.source) = (old.edit_ts, old.seen_ts, m.source)
                and slack.fullness(i.author, i.subtype, i.text, i.content::jsonb)
                    > slack.fullness(m.author, m.subtype, m.text, m.content))) as wins
    from incoming as i
    left join slack.messages as m on m.team = $1 and m.channel = i.channel and m.ts = i.ts
    cross join lateral (select coalesce(m.edit_ts, m.ts), coalesce(m.seen_ts, m.ts)) as old (edit_ts, seen_ts)
), superseded as (
    insert into slack.message_history as h (team, channel, ts, edit_ts, seen_ts, source, digest, text)
    select $1, channel, ts, old_edit_ts, old_seen_ts, old_source,
        slack.fullness(old_author, old_subtype, old_text, old_content), coalesce(old_text, '')
    from compared where not gone and old_edit_ts < edit_ts
    union all
    select $1, channel, ts, edit_ts, seen_ts, source,
        slack.fullness(author, subtype, text, content::jsonb), coalesce(text, '')
    from compared where not gone and edit_ts < old_edit_ts
    order by 2, 3, 4
    on conflict (team, channel, ts, edit_ts) do update set
        seen_ts = excluded.seen_ts, source = excluded.source, digest = excluded.digest, text = excluded.text
    where (excluded.seen_ts, excluded.source, excluded.digest) > (h.seen_ts, h.source, h.digest)
), forgotten as (
    delete from slack.message_history as h using compared as c
    where c.gone and h.team = $1 and h.channel = c.channel and h.ts = c.ts
), unreacted as (
    delete from slack.reactions as r using compared as c
    where r.team = $1 and r.channel = c.channel and r.ts = c.ts
      and (c.gone or r.at < greatest(c.reactions_as_of, c.old_reactions_as_of))
), kept as (
    insert into slack.messages as m (team, channel, ts, thread_ts, author, subtype, text, content, edit_ts, seen_ts,
        source, deleted_at, reactions_as_of)
    select $1, channel, ts, greatest(old_thread_ts, thread_ts),
        case when gone then null when wins then author else old_author end,
        case when gone then null when wins then subtype else old_subtype end,
        case when gone then null when wins then text else old_text end,
        case when gone then null when wins then content::jsonb else old_content end,
        case when gone then null else nullif(case when wins then edit_ts else old_edit_ts end, ts) end,
        case when gone then null else nullif(case when wins then seen_ts else old_seen_ts end, ts) end,
        case when gone then null when wins then source else old_source end,
        least(old_deleted_at, deleted_at),
        case when gone then '-infinity' else coalesce(greatest(old_reactions_as_of, reactions_as_of), '-infinity') end
    from compared
    where not known or (wins and not gone) or old_deleted_at is distinct from least(old_deleted_at, deleted_at)
       or thread_ts > coalesce(old_thread_ts, '-infinity')
       or (not gone and reactions_as_of > old_reactions_as_of)
    order by channel, ts
    on conflict (team, channel, ts) do update set
        thread_ts = excluded.thread_ts, author = excluded.author, subtype = excluded.subtype, text = excluded.text,
        content = excluded.content, edit_ts = excluded.edit_ts, seen_ts = excluded.seen_ts, source = excluded.source,
        deleted_at = excluded.deleted_at, reactions_as_of = excluded.reactions_as_of
), unreplied as (
    delete from slack.replies as r using compared as c
    where r.team = $1 and r.channel = c.channel and r.root_ts = c.old_thread_ts and r.ts = c.ts
      and (c.gone or c.thread_ts > c.old_thread_ts)
), replied as (
    insert into slack.replies (team, channel, root_ts, ts)
    select $1, channel, greatest(old_thread_ts, thread_ts), ts from compared
    where not gone and thread_ts is not null and (old_thread_ts is null or thread_ts > old_thread_ts)
    order by 2, 3, 4
    on conflict do nothing
), unindexed as (
    delete from slack.message_index as i using compared as c
    where i.team = $1 and i.channel = c.channel and i.ts = c.ts and (c.gone or (c.wins and c.words = ''))
), indexed as (
    insert into slack.message_index as i (team, channel, ts, thread_ts, author, public, has_file, has_link, words)
    select $1, c.channel, c.ts, greatest(c.old_thread_ts, c.thread_ts), c.author,
        coalesce((select kind = 'public' from slack.channels where team = $1 and id = c.channel), false),
        c.has_file, c.has_link, search.document(c.words)
    from compared as c
    where c.wins and not c.gone and c.words <> ''
    order by c.channel, c.ts
    on conflict (team, channel, ts) do update set
        thread_ts = excluded.thread_ts, author = excluded.author, has_file = excluded.has_file,
        has_link = excluded.has_link, words = excluded.words, embedding = null, model = null
), rethreaded as (
    update slack.message_index as i set thread_ts = c.thread_ts from compared as c
    where not c.wins and not c.gone and i.team = $1 and i.channel = c.channel and i.ts = c.ts
      and c.thread_ts > coalesce(i.thread_ts, '-infinity')
)
select channel, ts, known, wins and not gone as changed, gone and old_deleted_at is null and known as erased
from compared;

-- name: erase_raw_events
-- a deleted message is erased where its events are kept, too
update slack.raw_events as e set payload = null, outcome = 'erased'
from unnest($2::text[], $3::timestamptz[]) as gone (channel, ts)
where e.team = $1 and e.channel = gone.channel and e.ts = gone.ts and e.payload is not null;

-- name: merge_reactions
insert into slack.reactions as r (team, channel, ts, emoji, reactor, present, at)
select $1, fact.channel, fact.ts, fact.emoji, fact.reactor, fact.present, fact.at
from unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[])
    as fact (channel, ts, emoji, reactor, present, at)
left join slack.messages as m on m.team = $1 and m.channel = fact.channel and m.ts = fact.ts
where m.deleted_at is null and fact.at >= coalesce(m.reactions_as_of, '-infinity')
order by fact.channel, fact.ts, fact.emoji, fact.reactor
on conflict (team, channel, ts, emoji, reactor) do update set present = excluded.present, at = excluded.at
where (excluded.at, excluded.present) > (r.at, r.present);

-- name: merge_deleted_files
insert into slack.deleted_files as f (team, id, at)
select $1, fact.id, fact.at from unnest($2::text[], $3::timestamptz[]) as fact (id, at) order by fact.id
on conflict (team, id) do update set at = least(excluded.at, f.at) where excluded.at < f.at;

-- name: merge_moves
insert into slack.channel_aliases as a (team, old_id, new_id, at)
select $1, fact.old_id, fact.new_id, fact.at
from unnest($2::text[], $3::text[], $4::timestamptz[]) as fact (old_id, new_id, at) order by fact.old_id
on conflict (team, old_id) do update set new_id = excluded.new_id, at = excluded.at where excluded.at > a.at;

-- name: move_rules
-- what is forgotten stays forgotten, and what is kept for a time is kept for that time, under whatever id
with moved as (
    select old_id, slack.present_id($1, old_id) as new_id from unnest($2::text[]) as given (old_id)
), erased as (
    insert into slack.erased_channels (team, id, erased_at)
    select $1, moved.new_id, min(e.erased_at) from moved
    join slack.erased_channels as e on e.team = $1 and e.id = moved.old_id
    group by moved.new_id order by moved.new_id
    on conflict (team, id) do nothing
)
insert into slack.retention (team, channel, keep_days)
select $1, moved.new_id, min(r.keep_days) from moved
join slack.retention as r on r.team = $1 and r.channel = moved.old_id
group by moved.new_id order by moved.new_id
on conflict (team, channel) do nothing;

-- name: list_reactions
-- all reactions to a message were listed: those given before and not on the list are gone
with listed as (
    update slack.messages as m set reactions_as_of = fact.at
    from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as fact (channel, ts, at)
    where m.team = $1 and m.channel = fact.channel and m.ts = fact.ts and m.deleted_at is null
      and fact.at > m.reactions_as_of
    returning m.channel, m.ts, m.reactions_as_of
)
delete from slack.reactions as r using listed
where r.team = $1 and r.channel = listed.channel and r.ts = listed.ts and r.at < listed.reactions_as_of;

-- name: public_channels
select id from slack.channels where team = $1 and id = any ($2) and kind = 'public';
