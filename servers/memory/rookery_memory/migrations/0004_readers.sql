-- requires-program: 0.1.0
-- Who reads the answer is part of who asks (rookery.room). A person's own memory is open where they read alone; what is
-- everybody's, among members only; where guests or people of another organisation read, the room's own only.
create or replace function memory.readable_scopes() returns text[]
language sql stable parallel safe
return array_remove(
    case
        when current_setting('rookery.kind', true) = 'anonymous' then array['local']
        when current_setting('rookery.kind', true) not in ('agent', 'member', 'guest', 'outsider') then '{}'::text[]
        when coalesce(current_setting('rookery.room', true), '') not in ('', 'direct', 'private', 'public')
            then array[memory.named_scope('channel')]
        when current_setting('rookery.kind', true) = 'agent'
            then array['agent', 'team', memory.named_scope('channel')]
        when current_setting('rookery.room', true) in ('private', 'public')
            then array[
                memory.named_scope('channel'),
                case when current_setting('rookery.kind', true) = 'member' then 'team' end
            ]
        when current_setting('rookery.kind', true) = 'member'
            then array[memory.named_scope('user'), 'team', memory.named_scope('channel')]
        else array[memory.named_scope('user'), memory.named_scope('channel')]
    end,
    null
);
