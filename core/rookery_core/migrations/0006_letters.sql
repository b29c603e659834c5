-- requires-program: 0.1.0
-- Letters that no accent is taken off (ł ø đ ß æ …) are folded as people type them who do not have them on their keyboard.

-- The same letters as in rookery_core.ranking.texts.
create function search.plain_letters(body text) returns text
language sql immutable parallel safe strict
return replace(replace(replace(replace(replace(replace(replace(replace(
    translate(body, 'łŁøØđĐðÐħĦŧŦı', 'lLoOdDdDhHtTi'),
    'ß', 'ss'), 'ẞ', 'SS'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE'), 'þ', 'th'), 'Þ', 'TH');

comment on function search.plain_letters(text) is 'The text with ASCII letters for ł ø đ ð ħ ŧ ı ß æ œ þ.';

create or replace function search.folded(body text) returns text
language sql immutable parallel safe strict
return case
    when octet_length(body) = length(body) then body
    else normalize(
        search.plain_letters(regexp_replace(normalize(body, nfkd), '[\u0300-\u036f]+', '', 'g')), nfc)
end;

comment on function search.folded(text) is
    'The text without accents, without presentation forms (full width, ligatures), and with ASCII for letters such as ł.';

-- For vectors that were made before: the lexemes of a new one, but for the few whose stem differs.
create function search.refolded(document tsvector) returns tsvector
language sql immutable parallel safe strict
return search.plain_letters(document::text)::tsvector;

comment on function search.refolded(tsvector) is 'The vector with ASCII letters in its lexemes, as search.folded writes them.';

create function search.has_other_letters(document tsvector) returns boolean
language sql immutable parallel safe strict
return document::text ~ '[łøđðħŧıßæœþ]';

comment on function search.has_other_letters(tsvector) is 'Whether search.refolded would change the vector.';
