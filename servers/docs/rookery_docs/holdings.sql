-- name: holdings
-- documentation sources, and their pages with the models of their vectors
select 'documentation sources' as name, count(*) as amount, null::timestamptz as latest, 0::bigint as without_vector,
    '{}'::text[] as models
from docs.source where team = $1
union all
select 'pages', (select count(*) from docs.page where team = $1), null,
    (
        select count(*) from docs.content as c where c.team = $1 and not exists (
            select from docs.embedding as e where e.team = $1 and e.content_id = c.content_id
        )
    ),
    coalesce((select array_agg(distinct model) from docs.embedding where team = $1), '{}');
