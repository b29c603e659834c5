-- name: prepare_query
-- what search.bm25 needs to know about a query, or no row when it looks for nothing
select
    prepared.terms, prepared.weights, prepared.average_length,
    prepared.any_term, prepared.candidates, prepared.phrases
from search.prepare($1, $2, $3, $4) as prepared;

-- name: refresh_statistics
-- count a collection again
select search.refresh_statistics($1, $2, $3);
