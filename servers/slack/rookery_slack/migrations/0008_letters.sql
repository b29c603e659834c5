-- requires-program: 0.1.0
-- Messages that were indexed before ł, ø, ß and the like were folded.
update slack.message_index set words = search.refolded(words) where search.has_other_letters(words);
