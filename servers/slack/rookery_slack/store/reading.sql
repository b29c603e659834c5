-- Every statement of the readers. They name functions: tables are out of a reader's reach, but for the statistics of words.

-- name: configure
-- settings of this server, for the transaction
select set_config('rookery.slack_dms', $1, true), set_config('rookery.slack_channels', $2, true);

-- name: caller_kind
-- never more than what Slack says of the person
select slack.caller_kind();

-- name: caller_zone
select slack.caller_zone();

-- name: find_channels
select id, name, likeness from slack.find_channels($1);

-- name: find_users
select id, name, likeness from slack.find_users($1);

-- name: channel_cards
select * from slack.cards($1::text[]);

-- name: list_channels
select * from slack.list_channels($1, $2, $3, $4, $5);

-- name: list_users
select * from slack.list_users($1, $2, $3, $4, $5, $6);

-- name: channel_members
select * from slack.channel_members($1, $2, $3, $4);

-- name: names_of
select * from slack.names_of($1, $2, $3);

-- name: read_channel
select * from slack.read_channel($1, $2, $3, $4, $5, $6);

-- name: read_thread
select * from slack.read_thread($1, $2, $3, $4);

-- name: read_messages
select * from slack.read_messages($1, $2);

-- name: read_author
select * from slack.read_author($1, $2, $3, $4, $5);

-- name: count_activity
select * from slack.count_activity($1, $2, $3);

-- name: busiest_threads
select * from slack.busiest_threads($1, $2, $3, $4);

-- name: channel_coverage
select * from slack.channel_coverage($1);

-- name: freshness
select * from slack.freshness($1);

-- name: search_words
select * from slack.search_words($1::text::tsquery, $2::text::tsquery, $3::text[]::tsquery[], $4::real[], $5::real,
    $6::slack.narrowing, $7::double precision, $8, $9, $10);

-- name: score_neighbours
select * from slack.score_neighbours($1::text[], $2::timestamptz[], $3::interval, $4, $5::text[]::tsquery[], $6::real[],
    $7::real);

-- name: search_vectors_exactly
select * from slack.search_vectors_exactly($1::halfvec, $2, $3::slack.narrowing, $4, $5);

-- name: search_vectors_indexed
select * from slack.search_vectors_indexed($1::halfvec, $2, $3::slack.narrowing, $4);

-- name: count_narrowed
select slack.count_narrowed($1::slack.narrowing, $2);

-- name: share_left
select slack.share_left($1::slack.narrowing);

-- name: counted_messages
-- how many messages the statistics of words are of
select coalesce((select documents from search.collection where team = $1 and name = $2), 0);

-- name: has_vector_index
select slack.has_vector_index($1);

-- name: newest_messages
select * from slack.newest_messages($1::slack.narrowing, $2);

-- name: excluded_words
-- the tsquery of what excluded words and phrases match, as text
select slack.any_word_or_phrase($1::text[]);

-- name: sees_a_channel
select cardinality(slack.visible_channels()) > 0;
