"""The report page: what the result files say, in words, tables and charts; it judges nothing."""
