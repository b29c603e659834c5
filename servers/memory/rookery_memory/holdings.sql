-- name: holdings
-- memories that are current, with the models of their vectors
select 'memories' as name, count(*) as amount, null::timestamptz as latest,
    count(*) filter (where e.id is null) as without_vector,
    coalesce(array_agg(distinct e.model) filter (where e.model is not null), '{}') as models
from memory.memory as m
left join memory.embedding as e on e.team = m.team and e.id = m.id and e.version = m.version
where m.team = $1 and m.replaced_at is null and m.forgotten_at is null and m.superseded_by is null;
