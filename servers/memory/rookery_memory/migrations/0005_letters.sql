-- requires-program: 0.1.0
-- Memories and turns that were indexed before ł, ø, ß and the like were folded.
update memory.memory set document = search.refolded(document) where search.has_other_letters(document);
update memory.turn set document = search.refolded(document) where search.has_other_letters(document);
