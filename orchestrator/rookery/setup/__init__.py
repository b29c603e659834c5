"""`rookery init`: from answers to the files that everything else reads."""
