"""Which bases train, which choose, which judge: train, validation and test.

Each way to split has a module, which makes a `table.Split`; the table alone goes from rule to rule.
"""
