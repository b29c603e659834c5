-- name: speakers
-- who speaks in the conversations that are searched
select array(
    select distinct speaker
    from memory.conversation, unnest(speakers) as speaker
    where team = memory.caller_team() and scope = any (memory.searched_scopes($1)) and ($2::text is null or id = $2)
    limit 200
);

-- name: conversation_exists
select exists (
    select from memory.conversation
    where team = memory.caller_team() and scope = any (memory.searched_scopes($1)) and id = $2
);

-- name: recent_conversations
select id from memory.conversation
where team = memory.caller_team() and scope = any (memory.searched_scopes($1))
order by recorded_at desc limit 5;

-- name: turn_hits
select * from memory.turn_hits($1, $2, $3::tsquery[], $4::tsquery, $5, $6, $7);

-- name: facts_of_turns
-- what was drawn from the turns of these conversations and still holds, with the positions of the turns
select m.id, m.version, m.scope, m.conversation, t.position
from memory.memory as m
join memory.turn as t
    on t.team = m.team and t.scope = m.scope and t.conversation = m.conversation and t.id = any (m.turns)
where m.team = memory.caller_team() and m.scope = any (memory.searched_scopes($1))
    and m.conversation is not null and ($2::text is null or m.conversation = $2)
    and m.id = any ($3::uuid[]);

-- name: fetch_turns
select scope, conversation, position, id, session, session_name, speaker, content, said_at
from memory.turn
join unnest($1::text[], $2::text[], $3::integer[]) as wanted(scope, conversation, position)
    using (scope, conversation, position)
where team = memory.caller_team();
