-- name: open_conversation
-- a conversation, made when it is new; locked, so that positions follow each other
insert into memory.conversation (team, scope, id, title)
values (memory.caller_team(), $1, $2, $3)
on conflict (team, scope, id) do update set title = coalesce(excluded.title, memory.conversation.title)
returning speakers, turns, last_at;

-- name: last_turn
select session, session_name from memory.turn
where team = memory.caller_team() and scope = $1 and conversation = $2
order by position desc limit 1;

-- name: known_turns
-- which of these ids the conversation has already
select id from memory.turn
where team = memory.caller_team() and scope = $1 and conversation = $2 and id = any ($3);

-- name: insert_turns
insert into memory.turn (
    team, scope, conversation, position, id, session, session_name, speaker, content, said_at, asks, document
)
select
    memory.caller_team(), $1, $2, given.position, given.id, given.session, given.session_name, given.speaker,
    given.content, given.said_at, given.asks, search.document(given.indexed)
from unnest(
    $3::integer[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::boolean[],
    $11::text[]
) as given(position, id, session, session_name, speaker, content, said_at, asks, indexed);

-- name: grow_conversation
update memory.conversation
set turns = turns + $3,
    speakers = $4,
    started_at = least(started_at, $5),
    last_at = greatest(last_at, $6)
where team = memory.caller_team() and scope = $1 and id = $2;

-- name: store_turn_embeddings
insert into memory.turn_embedding (team, scope, conversation, position, model, embedding)
select memory.caller_team(), given.scope, given.conversation, given.position, $1, given.embedding
from unnest($2::text[], $3::text[], $4::integer[], $5::halfvec[]) as given(scope, conversation, position, embedding)
on conflict (team, scope, conversation, position)
    do update set model = excluded.model, embedding = excluded.embedding;

-- name: turns_between
-- what was said in a conversation, from one position to another
select scope, conversation, position, id, session, session_name, speaker, content, said_at
from memory.turn
where team = memory.caller_team() and scope = $1 and conversation = $2 and position between $3 and $4
order by position
limit $5;
